"""What an administrator switches on the page acts on the requester's page, which says that it has changed."""

from contextlib import AsyncExitStack

from playwright.async_api import expect

from tests.browser.conftest import SignedIn
from tests.support.journey import Ticket, switched


async def test_what_the_requester_may_write_and_read_follows_the_parameters(
    window: SignedIn, ticket: Ticket
) -> None:
    await ticket.record(
        description_html="<p>A rede caiu.</p>", solution_html="<p>Cabo novo.</p>", visible_to_requester=True
    )
    async with AsyncExitStack() as switches:
        for number in (252, 299, 371):
            await switches.enter_async_context(switched(ticket.stack, number, "S", "S"))
        ana = await window("ana", f"/portal/requests/{ticket.id}")
        davi = await window("davi", "/admin")
        page, main = davi.page, ana.page.get_by_role("main")
        shown = {
            252: main.get_by_role("button", name="Adicionar nota"),
            299: main.get_by_role("button", name="Mensagem ao atendente"),
            371: main.get_by_text("Cabo novo."),
        }
        for number, place in shown.items():
            await expect(place).to_be_visible()
            await page.get_by_role("row", name=f"{number}").get_by_role("switch").click()
            await page.get_by_role("button", name="Confirmar").click()
            await expect(page.get_by_role("row", name=f"{number}").get_by_role("switch")).not_to_be_checked()
            await expect(ana.page.get_by_text("A configuração mudou")).to_be_visible(timeout=20_000)
            await ana.page.get_by_role("link", name="Recarregar a página").click()
            await expect(main.get_by_role("article")).to_contain_text("A rede caiu.")
            await expect(place).to_have_count(0)
