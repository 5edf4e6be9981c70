"""What an administrator switches on the page acts on the requester's page, which says that it has changed."""

from contextlib import AsyncExitStack

from playwright.async_api import expect

from tests.browser.conftest import SignedIn
from tests.support.journey import Ticket, parameter, switched


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
            await expect(place).to_have_count(
                0, timeout=20_000
            )  # she reads, and her page is loaded by itself
            await expect(main.get_by_role("article")).to_contain_text("A rede caiu.")


async def test_a_switch_that_was_not_saved_is_put_back(window: SignedIn, ticket: Ticket) -> None:
    davi = await window("davi", "/admin")
    davi.expected.append("net::ERR")
    row = davi.page.get_by_role("row", name="298")
    await davi.page.route("**/api/notes/itsm/parameters/298", lambda route: route.abort())
    await row.get_by_role("switch").click()
    await davi.page.get_by_role("button", name="Confirmar").click()
    await expect(row.get_by_role("alert")).to_contain_text("Não foi possível salvar")
    await expect(row.get_by_role("switch")).to_be_checked()


async def test_what_is_switched_off_acts_on_open_pages_and_takes_no_text_from_who_writes(
    window: SignedIn, ticket: Ticket
) -> None:
    await ticket.record(description_html="<p>A rede caiu.</p>", visible_to_requester=True)
    async with AsyncExitStack() as switches:
        for number in (251, 253, 298, 316):
            known = parameter(number)
            await switches.enter_async_context(switched(ticket.stack, number, known, known))
        ana = await window("ana", f"/portal/requests/{ticket.id}")
        carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
        davi = await window("davi", "/admin")

        async def switch_off(number: int) -> None:
            row = davi.page.get_by_role("row", name=f"{number}")
            if number in {251, 253}:
                await row.get_by_role("combobox").select_option(label="Nenhum")
                await row.get_by_role("button", name="Salvar").click()
            else:
                await row.get_by_role("switch").click()
            await davi.page.get_by_role("button", name="Confirmar").click()
            await expect(davi.page.get_by_role("status").filter(has_text="Salvo")).to_have_count(1)

        await switch_off(253)
        await ana.page.get_by_role("button", name="Adicionar nota").click()
        await ana.page.keyboard.type("Ainda sem rede.")
        await ana.page.keyboard.press("Control+Enter")
        hers = carlos.page.get_by_role("article").filter(has_text="Ainda sem rede.")
        await expect(hers).to_contain_text("nenhum modelo está configurado", timeout=20_000)

        page = carlos.page
        await page.keyboard.press("n")
        text = page.get_by_role("textbox", name="O que aconteceu")
        await page.keyboard.type("Troquei o cabo")
        await page.get_by_label("Visível ao solicitante").check()
        await page.get_by_label("Enviar ao e-mail").check()
        await switch_off(251)
        await expect(page.get_by_role("button", name="Salvar e mostrar ao solicitante")).to_be_visible()
        await expect(page.get_by_label("Enviar ao e-mail")).to_be_disabled()
        await expect(page.get_by_label("Enviar ao e-mail")).to_have_accessible_description(
            "Nenhum e-mail sai: não há modelo configurado (parâmetro 251)."
        )
        await switch_off(316)
        await expect(ana.page.get_by_role("button", name="Chat")).to_have_count(0)
        await switch_off(298)
        await expect(ana.page.get_by_role("article")).to_have_count(0)
        await expect(ana.page.get_by_role("heading", level=1)).to_be_visible()
        await expect(text).to_have_text("Troquei o cabo")
        await expect(page.get_by_text("A configuração mudou")).to_have_count(1)
        await carlos.look_as_it_is("ticket-settings")
        await text.click()
        for key in ("Control+A", "Delete"):
            await page.keyboard.press(key)
        await expect(text).to_have_text("")
        await expect(page.locator("#note [data-draft-state]")).to_have_text("")  # nothing is left to be kept
        await page.keyboard.press("Escape")
        await expect(page.get_by_text("As ocorrências estão desligadas (parâmetro 298).")).to_be_visible()
        for name in ("Adicionar nota", "Chat"):
            await expect(page.get_by_role("button", name=name)).to_have_count(0)
