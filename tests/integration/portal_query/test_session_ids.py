"""A session's id changes while the session lasts, and whoever keeps the old one gets nothing by it."""

import asyncio

import httpx
from portal_query.app import build

from tests.integration.portal_query.door import AUTHORIZE, COOKIE, Door
from tests.support.reaching import reaching
from tests.support.serving import serving
from tests.support.waiting import until


def _with(session_id: str) -> dict[str, str]:
    return {"Cookie": f"{COOKIE}={session_id}"}


async def _rotated(door: Door, browser: httpx.AsyncClient) -> tuple[str, str]:
    """Log in and let a quarter of an hour pass; gives the id before and the one after."""
    await door.login(browser, "carlos")
    before = browser.cookies[COOKIE]
    await door.age("rotated_at", "16 minutes")
    assert (await browser.get(AUTHORIZE)).status_code == 204
    assert browser.cookies[COOKIE] != before
    return before, browser.cookies[COOKIE]


async def test_a_sessions_id_changes_every_quarter_of_an_hour(door: Door) -> None:
    async with door.browser() as browser:
        await door.login(browser, "carlos")
        before = browser.cookies[COOKIE]
        await browser.get(AUTHORIZE)
        assert browser.cookies[COOKIE] == before
        await door.age("rotated_at", "16 minutes")
        answer = await browser.get(AUTHORIZE)
        assert browser.cookies[COOKIE] != before
        assert "HttpOnly" in answer.headers["set-cookie"]
        assert "set-cookie" not in (await browser.get(AUTHORIZE)).headers


async def test_what_pages_ask_by_themselves_changes_no_id(door: Door) -> None:
    async with door.browser() as browser:
        await door.login(browser, "carlos")
        await door.age("rotated_at", "16 minutes")
        answer = await browser.get(AUTHORIZE, headers={"X-Forwarded-Uri": "/api/portal/tickets/1/stream"})
        assert (answer.status_code, "set-cookie" in answer.headers) == (204, False)


async def test_of_simultaneous_requests_one_gets_the_new_id_and_all_are_answered(door: Door) -> None:
    async with door.browser() as browser:
        await door.login(browser, "carlos")
        cookie = _with(browser.cookies[COOKIE])
        await door.age("rotated_at", "16 minutes")
    async with reaching(door.address) as requests:
        answers = await asyncio.gather(*(requests.get(AUTHORIZE, headers=cookie) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {204}
    assert sum("set-cookie" in answer.headers for answer in answers) == 1


async def test_requests_on_their_way_still_count_with_the_id_before(door: Door) -> None:
    async with door.browser() as browser, reaching(door.address) as late:
        before, _ = await _rotated(door, browser)
        assert (await browser.get(AUTHORIZE)).status_code == 204
        assert (await late.get(AUTHORIZE, headers=_with(before))).status_code == 204


async def test_a_browser_that_never_got_its_new_id_keeps_the_one_before(door: Door) -> None:
    async with door.browser() as browser, reaching(door.address) as unlucky:
        before, _ = await _rotated(door, browser)
        await door.age("rotated_at", "16 minutes")
        again = await unlucky.get(AUTHORIZE, headers=_with(before))
        assert (again.status_code, "set-cookie" in again.headers) == (204, True), "and is given one again"
        assert (await unlucky.get(AUTHORIZE)).status_code == 204


async def test_an_id_that_is_used_long_after_it_was_replaced_ends_the_session(door: Door) -> None:
    async with door.browser() as browser, reaching(door.address) as thief:
        before, _ = await _rotated(door, browser)
        assert (await browser.get(AUTHORIZE)).status_code == 204
        await door.age("taken_up_at", "2 minutes")
        assert (await thief.get(AUTHORIZE, headers=_with(before))).status_code == 401
        assert (await browser.get(AUTHORIZE)).status_code == 401, "which of the two is whose, nobody can say"


async def test_signing_out_with_the_id_before_ends_the_session_too(door: Door) -> None:
    async with door.browser() as browser, reaching(door.address) as late:
        before, after = await _rotated(door, browser)
        await late.post("/logout", headers=_with(before))
        assert (await late.get(AUTHORIZE, headers=_with(after))).status_code == 401


async def test_sessions_that_have_ended_are_forgotten(door: Door) -> None:
    async with door.browser() as old, door.browser() as idle:
        await door.login(old, "carlos")
        await door.age("ends_at", "12 hours")
        await door.login(idle, "carlos")
        await door.age("last_seen_at", "121 minutes")
        async with door.browser() as live:
            await door.login(live, "carlos")

            async def one_is_left() -> bool:
                return len(await door.database.fetch("SELECT FROM portal.sessions")) == 1

            async with serving(build(door.settings)):  # sweeps as soon as it runs
                await until(one_is_left, what="a sweep")
            assert (await live.get(AUTHORIZE)).status_code == 204
