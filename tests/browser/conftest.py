"""The local stack, one Chromium, and windows of people in it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Browser, async_playwright, expect
from relato.demo.content import organisation

from tests.browser import chromium
from tests.browser.people import DESK, POCKET, Person, Screen, person
from tests.support.stack import Stack

SignedIn = Callable[..., Awaitable[Person]]
expect.set_options(timeout=15_000)  # milliseconds; three processes test beside each other

on_both_screens = pytest.mark.parametrize("screen", [DESK, POCKET], ids=["1280-light", "360-dark"])
"""The journeys that are made as a whole on a small screen in the dark as well."""


@pytest.fixture
def screen() -> Screen:
    """What people have before them, unless a journey says otherwise."""
    return DESK


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    path = chromium.executable()
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=path, args=chromium.ARGUMENTS)
        yield running
        await running.close()


@pytest.fixture
async def window(browser: Browser, stack: Stack, screen: Screen) -> AsyncIterator[SignedIn]:
    """Makes windows; when the test ends, none may have complained about anything."""
    opened: list[Person] = []

    async def open_window(person_id: str = "", address: str | None = None, **settings: Any) -> Person:
        made = await person(browser, str(stack.http.base_url).rstrip("/"), person_id, screen, **settings)
        opened.append(made)
        if address is not None:
            await made.sign_in(organisation().people[person_id].name, address)
        return made

    yield open_window
    for each in opened:
        await each.context.close()
    assert [complaint for each in opened for complaint in each.complaints()] == []
