"""What is longer, emptier or more than one thinks of when one draws a page."""

from playwright.async_api import expect

from tests.browser.conftest import SignedIn
from tests.support.journey import Ticket

_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 3
_LONG = "".join(f"<p>Passo {number}: medido, anotado e conferido outra vez.</p>" for number in range(400))


async def test_long_words_and_long_notes_keep_a_page_readable(window: SignedIn, ticket: Ticket) -> None:
    await ticket.save(title=f"Erro {_WORD}", description=f"{_WORD}\n\nLinha " * 12)
    for html in (f"<p>{_WORD}</p><pre><code>{_WORD}</code></pre><ul><li>{_WORD}</li></ul>", _LONG):
        note = await ticket.record(
            description_html=html,
            solution_html=f"<p>{_WORD}</p>",
            time_spent_minutes=100_000,
            visible_to_requester=True,
            notify_by_email=True,
        )
    await ticket.record(description_html="<p>ok</p>")
    await ticket.outcomes(note["version"])
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    page = carlos.page
    await expect(page.get_by_role("article")).to_have_count(3)
    await expect(page.get_by_text("Passo 399")).to_be_hidden()
    await carlos.look("ticket-extreme")
    await page.get_by_text("Mostrar tudo").last.click()
    await expect(page.get_by_text("Passo 399")).to_be_visible()
    ana = await window("ana", f"/portal/requests/{ticket.id}")
    await expect(ana.page.get_by_role("article")).to_have_count(2)
    await ana.look("request-extreme")
    await ana.page.goto("/portal")
    await ana.look("portal-extreme")
    await page.goto(f"/desk?q={ticket.id}")
    await carlos.look("desk-extreme")


async def test_where_there_is_nothing_a_page_says_so_and_what_one_can_do(
    window: SignedIn, ticket: Ticket
) -> None:
    davi = await window("davi", "/portal")
    await expect(davi.page.get_by_role("main")).to_contain_text("Você ainda não tem solicitações")
    await davi.look("portal-empty")
    await davi.page.goto("/admin/people?q=ninguém+assim")
    await davi.look("admin-empty")
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    await carlos.look("ticket-empty")
