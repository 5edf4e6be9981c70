"""A browser's way through the front door: the local issuer, a session, and what is there after it."""

import httpx

from tests.support.journey import Ticket
from tests.support.walking import walk


async def _sign_in(ticket: Ticket, browser: httpx.AsyncClient, person: str) -> str:
    """Sign in on the way to the ticket; gives the address that this leads to."""
    begun = await browser.get(f"/login?next=/desk/tickets/{ticket.id}")
    origin = str(browser.base_url).rstrip("/")
    return str((await walk(browser, begun, f"{origin}/desk", person_id=person)).headers["location"])


async def test_after_a_login_that_interrupted_someone_they_are_where_they_were_and_the_draft_is_there(
    ticket: Ticket,
) -> None:
    draft = f"/api/notes/tickets/{ticket.id}/drafts/occurrence"
    written = {"description_html": "<p>Comecei a escrever</p>"}
    async with httpx.AsyncClient(base_url=ticket.stack.http.base_url, timeout=30, trust_env=False) as browser:
        assert await _sign_in(ticket, browser, "carlos") == f"/desk/tickets/{ticket.id}"
        assert (await browser.put(draft, json=written)).status_code == 200
        old = browser.cookies["relato_session"]
        assert (await browser.post("/logout")).status_code == 204
        assert (await browser.get(draft, headers={"Cookie": f"relato_session={old}"})).status_code == 401
        assert await _sign_in(ticket, browser, "carlos") == f"/desk/tickets/{ticket.id}"
        assert (await browser.get(draft)).json() == written
    async with httpx.AsyncClient(base_url=ticket.stack.http.base_url, timeout=30, trust_env=False) as another:
        await _sign_in(ticket, another, "carlos")
        assert (await another.get(draft)).json() == written, "in another browser, too"


async def test_a_page_of_another_site_can_change_nothing_with_a_session(ticket: Ticket) -> None:
    draft = f"/api/notes/tickets/{ticket.id}/drafts/occurrence"
    async with httpx.AsyncClient(base_url=ticket.stack.http.base_url, timeout=30, trust_env=False) as browser:
        await _sign_in(ticket, browser, "carlos")
        foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        assert (await browser.put(draft, json={"a": 1}, headers=foreign)).status_code == 403
        assert (await browser.get(draft)).status_code == 404
