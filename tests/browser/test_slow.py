"""Pages whose scripts and answers take their time: what is done or arrives meanwhile is not lost."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Page, Route, expect

from tests.browser.conftest import SignedIn
from tests.support.journey import Ticket


@asynccontextmanager
async def answering_late(page: Page, addresses: str) -> AsyncIterator[asyncio.Event]:
    """Keeps the first answer from this page until the end; the event tells that there is one."""
    answered, handed_on = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        answer = await route.fetch()
        answered.set()
        await handed_on.wait()
        await route.fulfill(response=answer)

    await page.route(addresses, late, times=1)
    try:
        yield answered
    finally:
        handed_on.set()


async def test_what_is_pressed_before_the_scripts_are_there_is_done_once_they_are(window: SignedIn) -> None:
    davi = await window("davi", "/admin/people")
    page = davi.page
    async with answering_late(page, "**/js/entity.js*") as asked:
        await page.get_by_role("link", name="Nova pessoa", exact=True).click()
        await asked.wait()
        field = page.get_by_label("Identificador")
        await field.fill("não é um")
        await page.get_by_role("button", name="Salvar").click()
        await expect(field).to_have_accessible_description("")
    await expect(field).to_have_accessible_description(re.compile("^De 1 a 64"))


async def test_a_ticket_that_changes_while_its_head_is_on_its_way_is_asked_for_once_more(
    window: SignedIn, ticket: Ticket
) -> None:
    carlos = await window("carlos")
    page = carlos.page
    async with answering_late(page, f"**/desk/tickets/{ticket.id}/head") as answered:
        await carlos.sign_in("Carlos Eduardo Nunes", f"/desk/tickets/{ticket.id}")
        await answered.wait()
        await ticket.record(time_spent_minutes=90)
        await expect(page.get_by_role("article")).to_be_visible()
        await expect(page.locator(".facts")).not_to_contain_text("1 h 30 min")
    await expect(page.locator(".facts")).to_contain_text("1 h 30 min")
