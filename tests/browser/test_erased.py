"""What is left of somebody who was erased on the pages of those who worked for them."""

import re

from playwright.async_api import expect

from tests.browser.conftest import SignedIn
from tests.support.journey import Ticket

_ID, _NAME = "p-51923", "Eulália Bragantina"
_WORDS = ("Minha impressora está sem tinta azul.", "Deixei o cartucho na sua mesa.")


async def test_the_ticket_says_that_words_went_since_when_and_why_and_not_who_had_said_them(
    window: SignedIn, ticket: Ticket
) -> None:
    stack = ticket.stack
    person = {"person_id": _ID, "name": _NAME, "email": "eulalia@exemplo.example", "language": "pt-BR"}
    await stack.save("people", _ID, person | {"time_zone": "America/Sao_Paulo", "active": True})
    await ticket.save(requester_id=_ID, title="Impressora da Eulália")
    await stack.level()
    await ticket.record(_ID, channel="portal", description_html=f"<p>{_WORDS[0]}</p>")
    await ticket.record(visible_to_requester=True, description_html=f"<p>{_WORDS[1]}</p>")

    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    main = carlos.page.get_by_role("main")
    for shown in (*_WORDS, _NAME, "Impressora da Eulália"):
        await expect(main).to_contain_text(shown)
    await stack.said("people", "erase", _ID, "--reason", "pedido 51923", "--yes")

    # The page is open all the while, and is loaded anew by itself.
    await expect(main.get_by_text("Texto removido", exact=True)).not_to_have_count(0, timeout=30_000)
    await expect(main.get_by_text("Pessoa removida")).not_to_have_count(0)
    for gone in (*_WORDS, _NAME, "Eulália"):
        await expect(main.get_by_text(gone)).to_have_count(0)
    await carlos.look("erased")
    await carlos.page.goto(f"/desk/tickets/{ticket.id}/history")
    await expect(main.get_by_text(re.compile("Texto removido em .*, a pedido"))).to_have_count(1)
    for gone in (*_WORDS, _NAME, "Eulália"):
        await expect(main.get_by_text(gone)).to_have_count(0)
