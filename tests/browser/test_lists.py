"""Lists that change while somebody looks at them."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from playwright.async_api import Page, expect
from portal_query.http import PAGE
from relato.demo.facts import company
from relato_contracts.itsm import GroupSaved, TicketSaved
from relato_runtime.settings import KafkaSettings

from tests.browser.conftest import SignedIn
from tests.support.journey import GROUP, Ticket
from tests.support.stack import Stack
from tests.support.world import publish


def _others() -> str:
    """A group whose tickets Carlos does not see."""
    groups = [fact for fact in company() if isinstance(fact, GroupSaved)]
    own = [each for each in groups if "carlos" in each.member_ids]
    seen = {each.group_id for each in own} | {may.group_id for each in own for may in each.permissions}
    return next(each.group_id for each in groups if each.group_id not in seen)


def rows(page: Page) -> Callable[[], Awaitable[list[str]]]:
    """The numbers of the tickets as they stand."""
    return page.locator("[data-activity] .number").all_text_contents


async def test_a_ticket_that_changes_moves_up_without_taking_the_focus(
    window: SignedIn, ticket: Ticket
) -> None:
    carlos = await window("carlos", "/desk")
    narrowed = await window("marina", f"/desk?q={ticket.id}&status=in-progress")
    ana = await window("ana", "/portal")
    above = await rows(carlos.page)()
    link = carlos.page.locator("[data-activity] a").nth(3)
    other = (await rows(carlos.page)())[3]
    await link.focus()
    await carlos.page.evaluate("scrollTo(0, 0)")
    await ticket.record("marina", description_html="<p>A rede voltou.</p>", visible_to_requester=True)
    first = carlos.page.locator("[data-activity]").first
    await expect(first).to_contain_text(ticket.id)
    assert len({*await rows(carlos.page)()}) == len(await rows(carlos.page)()) >= len(above)
    assert await carlos.page.evaluate("document.activeElement.querySelector('.number').textContent") == other
    news = carlos.page.get_by_role("status").filter(has_text="atividade nova")
    await expect(news).to_have_count(1)
    mine = ana.page.locator("[data-activity]").first
    await expect(mine).to_contain_text(ticket.id)
    await expect(mine).to_contain_text("1 novidade")
    await expect(ana.page.get_by_role("status").filter(has_text="tem novidade")).to_have_count(1)
    await ana.look("portal-live")
    await ticket.done("ana", "/chat", {"text": "Obrigada!"})
    await expect(first).to_contain_text("1 mensagem não lida")
    await expect(narrowed.page.locator("[data-activity]")).to_contain_text("1 mensagem não lida")
    await carlos.look("desk-live")
    await ticket.save(status="closed")
    await expect(narrowed.page.locator("[data-activity]")).to_have_count(0)
    await expect(mine).to_contain_text("Fechado")


async def test_a_row_far_down_goes_when_it_is_no_longer_its_readers(window: SignedIn, stack: Stack) -> None:
    kafka = KafkaSettings(kafka_bootstrap=(await stack.json("status"))["kafka"]["bootstrap"])
    oldest, *_ = tickets = [
        TicketSaved(
            ticket_id=f"lista-{number}",
            title="Monitor sem imagem",
            status="open",
            requester_id="aline",
            group_id=GROUP,
            opened_at=datetime.now(UTC) + timedelta(milliseconds=number),
        )
        for number in range(60)
    ]
    await publish(kafka, *tickets)
    await stack.level()
    carlos = await window("carlos", "/desk?q=aline")
    page = carlos.page
    await page.clock.install()
    await page.reload()
    await page.get_by_role("link", name="Mostrar mais").scroll_into_view_if_needed()
    row = page.locator(f"#ticket-{oldest.ticket_id}")
    await expect(row).to_have_count(1)
    shown = await rows(page)()
    assert shown.index(oldest.ticket_id) >= PAGE
    await publish(kafka, oldest.model_copy(update={"group_id": _others()}))
    await stack.level()
    await page.clock.fast_forward("00:21")
    await expect(row).to_have_count(0)
    assert len(await rows(page)()) == len(shown) - 1, "what is still there stays"


async def test_nobody_is_told_of_tickets_that_are_not_theirs(window: SignedIn, ticket: Ticket) -> None:
    bia, ana = await window("bia", "/portal"), await window("ana", "/portal")
    note = await ticket.record(description_html="<p>A rede voltou.</p>", visible_to_requester=True)
    await ticket.mine(note["version"])
    await expect(ana.page.locator("[data-activity]").first).to_contain_text(ticket.id)
    await expect(bia.page.locator("body")).not_to_contain_text(ticket.id)
    answer = await bia.context.request.get("/desk/stream?since=2026-01-01T00:00:00Z")
    assert answer.status == 404
