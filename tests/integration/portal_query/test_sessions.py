"""Browsers: logins by way of the issuer, sessions, and what the front door is told about them."""

import asyncio
from urllib.parse import parse_qs, urlsplit

from portal_query.app import build
from pydantic import SecretStr

from tests.integration.portal_query.door import AUTHORIZE, COOKIE, Door
from tests.support.events import EventStream
from tests.support.reaching import reaching
from tests.support.serving import serving


async def test_after_a_login_one_is_where_one_wanted_to_be(door: Door) -> None:
    async with door.browser() as browser:
        answer = await door.login(browser, "carlos", "/desk/tickets/1001?kind=mail#last")
        assert (answer.status_code, answer.headers["location"]) == (303, "/desk/tickets/1001?kind=mail#last")
        (cookie,) = [each for each in answer.headers.get_list("set-cookie") if each.startswith(COOKIE)]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Path=/" in cookie


async def test_the_front_door_gets_the_token_of_a_session_and_browsers_never_do(door: Door) -> None:
    async with door.browser() as browser:
        answer = await door.login(browser, "carlos")
        authorized = await browser.get(AUTHORIZE)
        assert authorized.status_code == 204
        bearer = authorized.headers["authorization"]
        tickets = await browser.get("/api/portal/tickets", headers={"Authorization": bearer})
        assert tickets.status_code == 200
        assert bearer.removeprefix("Bearer ") not in str(answer.headers.raw) + answer.text
        kept = await door.database.fetchrow("SELECT * FROM portal.sessions")
        assert kept is not None
        assert bearer.removeprefix("Bearer ") not in str(kept)
        assert browser.cookies[COOKIE] not in str(kept)


async def test_without_a_session_there_is_no_token(door: Door) -> None:
    async with door.browser() as browser:
        assert (await browser.get(AUTHORIZE)).status_code == 401
        answer = await browser.get(AUTHORIZE, headers={"Cookie": f"{COOKIE}=invented"})
        assert answer.status_code == 401
        assert answer.json()["type"].endswith("/unauthenticated")
        assert f'{COOKIE}=""' in answer.headers["set-cookie"], "the browser forgets it"


async def test_a_page_without_a_session_leads_to_the_login_and_back(door: Door) -> None:
    async with door.browser() as browser:
        headers = {"Cookie": f"{COOKIE}=old", "Accept": "text/html", "X-Forwarded-Method": "GET"}
        page = await browser.get(AUTHORIZE, headers=headers | {"X-Forwarded-Uri": "/desk?q=vpn"})
        assert (page.status_code, page.headers["location"]) == (303, "/login?next=/desk%3Fq%3Dvpn&ended=1")
        assert "Sua sessão terminou" in (await browser.get(page.headers["location"])).text
        assert "Sua sessão terminou" not in (await browser.get("/login?next=/desk")).text
        api = await browser.get(AUTHORIZE, headers=headers | {"X-Forwarded-Uri": "/api/portal/tickets"})
        assert api.status_code == 401


async def test_streams_end_with_the_session_that_opened_them(door: Door) -> None:
    async with door.browser() as here, door.browser() as there:
        for browser in (here, there):
            await door.login(browser, "carlos")
        bearer = {"Authorization": (await here.get(AUTHORIZE)).headers["authorization"]}
        paths = ("/api/portal/tickets/1001/stream", "/desk/stream?since=2100-01-01T00:00:00Z")
        streams = [await EventStream.open(here, path, bearer) for path in paths]
        await streams[0].next("presence")
        await there.post("/logout?everywhere=true")
        for stream in streams:
            assert await stream.ended()


async def test_what_is_asked_in_the_name_of_somebody_else_is_refused(door: Door) -> None:
    async with door.browser() as browser:
        await door.login(browser, "carlos")
        assert (await browser.get("/session/person")).json() == {"person_id": "carlos"}
        for person, status in (("carlos", 204), ("marina", 409)):
            answer = await browser.get(AUTHORIZE, headers={"Relato-Person": person})
            assert answer.status_code == status
        assert answer.json()["type"].endswith("/other-person")
        await browser.post("/logout")
        assert (await browser.get("/session/person")).status_code == 401


async def test_logins_in_several_tabs_each_come_to_their_own_address(door: Door) -> None:
    async with door.browser() as browser:
        locations = [await door.leave(browser, f"/desk/tickets/{number}") for number in (1, 2, 3)]
        answers = [await door.come_back(browser, location, "carlos") for location in locations]
        assert [answer.headers["location"] for answer in answers] == [
            f"/desk/tickets/{number}" for number in (1, 2, 3)
        ]
        assert await door.database.fetchval("SELECT count(*) FROM portal.sessions") == 1, "the last one"


async def test_a_long_address_is_come_back_to_however_many_tabs_have_one(door: Door) -> None:
    async with door.browser() as browser:
        search = "/desk?q=" + "%C3%A7" * 200
        for tab in range(4):
            location = await door.leave(browser, f"{search}&tab={tab}")
            assert max(len(value) for value in browser.cookies.values()) < 3_900, "browsers keep 4,096 bytes"
        answer = await door.come_back(browser, location, "carlos")
        assert answer.headers["location"] == f"{search}&tab=3"


async def test_a_login_that_another_browser_began_is_refused(door: Door) -> None:
    async with door.browser() as mine, door.browser() as other:
        await door.leave(other)
        answer = await door.come_back(other, await door.leave(mine), "carlos")
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (400, "login-failed")
        assert COOKIE not in other.cookies


async def test_a_code_counts_once(door: Door) -> None:
    async with door.browser() as browser:
        location = await door.leave(browser)
        code = door.issuer.consent(location, "carlos")
        state = parse_qs(urlsplit(location).query)["state"][0]
        assert (await browser.get(f"/callback?code={code}&state={state}")).status_code == 303
        assert (await browser.get(f"/callback?code={code}&state={state}")).status_code == 400


async def test_what_the_issuer_says_is_verified(door: Door) -> None:
    for wrong in ({"nonce": "another"}, {"aud": "another"}, {"iss": "https://other.example"}, {"exp": 1},
                  {"sub": "davi"}):  # fmt: skip
        door.issuer.wrong_id_claims = wrong
        async with door.browser() as browser:
            answer = await door.login(browser, "carlos")
            assert (answer.status_code, COOKIE in browser.cookies) == (400, False), wrong


async def test_a_refusal_of_the_issuer_ends_the_login(door: Door) -> None:
    async with door.browser() as browser:
        state = parse_qs(urlsplit(await door.leave(browser)).query)["state"][0]
        answer = await browser.get(f"/callback?error=access_denied&state={state}")
        assert answer.status_code == 400
        other = parse_qs(urlsplit(await door.leave(browser)).query)["state"][0]
        mixed_up = await browser.get(f"/callback?code=x&state={other}&iss=https://other.example")
        assert mixed_up.status_code == 400


async def test_signing_out_ends_the_session(door: Door) -> None:
    async with door.browser() as browser:
        await door.login(browser, "carlos")
        stolen = browser.cookies[COOKIE]
        assert (await browser.post("/logout")).status_code == 204
        assert COOKIE not in browser.cookies
        answer = await browser.get(AUTHORIZE, headers={"Cookie": f"{COOKIE}={stolen}"})
        assert answer.status_code == 401


async def test_signing_out_everywhere_ends_ones_own_sessions(door: Door) -> None:
    async with door.browser() as one, door.browser() as two, door.browser() as other:
        await door.login(one, "carlos")
        await door.login(two, "carlos")
        await door.login(other, "edu")
        page = await one.post("/logout?everywhere=true", headers={"Accept": "text/html"})
        assert (page.status_code, page.headers["location"]) == (303, "/login")
        assert (await two.get(AUTHORIZE)).status_code == 401
        assert (await other.get(AUTHORIZE)).status_code == 204


async def test_a_login_gives_the_session_a_new_id(door: Door) -> None:
    async with door.browser() as browser:
        await door.login(browser, "carlos")
        before = browser.cookies[COOKIE]
        await door.login(browser, "carlos")
        assert browser.cookies[COOKIE] != before
        answer = await browser.get(AUTHORIZE, headers={"Cookie": f"{COOKIE}={before}"})
        assert answer.status_code == 401


async def test_unsafe_requests_of_other_sites_are_refused(door: Door) -> None:
    async with door.browser() as browser:
        await door.login(browser, "carlos")
        expected = [
            ("POST", {"Sec-Fetch-Site": "same-origin"}, 204),
            ("POST", {"Sec-Fetch-Site": "cross-site"}, 403),
            ("POST", {"Sec-Fetch-Site": "same-site"}, 403),
            ("DELETE", {"Origin": "https://evil.example"}, 403),
            ("PUT", {"Origin": "null"}, 403),
            ("PATCH", {"Origin": door.settings.public_url}, 204),
            ("POST", {"Origin": door.settings.public_url, "Sec-Fetch-Site": "cross-site"}, 403),
            ("POST", {"Origin": door.settings.public_url, "Sec-Fetch-Site": "same-origin"}, 204),
            ("POST", {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}, 403),
            ("POST", {"Origin": "null", "Sec-Fetch-Site": "same-origin"}, 204),  # a form of ours
            ("POST", {}, 204),
            ("GET", {"Sec-Fetch-Site": "cross-site"}, 204),
        ]
        for method, headers, status in expected:
            answer = await browser.get(AUTHORIZE, headers={**headers, "X-Forwarded-Method": method})
            assert answer.status_code == status, (method, headers)
        foreign = await browser.post("/logout", headers={"Sec-Fetch-Site": "cross-site"})
        assert foreign.status_code == 403
        assert (await browser.get(AUTHORIZE)).status_code == 204


async def test_a_session_ends_when_it_is_idle_or_old(door: Door) -> None:
    for column, interval in (("last_seen_at", "121 minutes"), ("ends_at", "12 hours")):
        async with door.browser() as browser:
            await door.login(browser, "carlos")
            await door.age(column, interval)
            assert (await browser.get(AUTHORIZE)).status_code == 401, column


async def test_only_what_people_do_keeps_a_session_from_being_idle(door: Door) -> None:
    async with door.browser() as browser:
        await door.login(browser, "carlos")
        await door.age("last_seen_at", "70 minutes")
        idle = "SELECT last_seen_at < now() - interval '1 hour' FROM portal.sessions"
        for method, automatic in (
            ("GET", "/api/portal/tickets/1001/stream?after=1"),
            ("POST", "/api/portal/tickets/1001/presence"),
            ("GET", "/desk/tickets/1001/head"),
            ("GET", "/portal/requests/1001/head"),
            ("GET", "/desk/those?ticket=1001"),
            ("POST", "/api/notes/tickets/1001/views"),
            ("POST", "/api/portal/tickets/1001/chat/read"),
            ("GET", "/api/operate/events/latest?limit=50"),
        ):
            headers = {"X-Forwarded-Method": method, "X-Forwarded-Uri": automatic}
            assert (await browser.get(AUTHORIZE, headers=headers)).status_code == 204
            assert await door.database.fetchval(idle), automatic
        for method, done in (("GET", "/api/portal/tickets"), ("POST", "/api/operate/sending/stop")):
            headers = {"X-Forwarded-Method": method, "X-Forwarded-Uri": done}
            assert (await browser.get(AUTHORIZE, headers=headers)).status_code == 204
            assert not await door.database.fetchval(idle), done
            await door.age("last_seen_at", "70 minutes")


async def test_a_token_that_expires_is_replaced_once(door: Door) -> None:
    async with door.browser() as browser:
        await door.login(browser, "carlos")
        first = (await browser.get(AUTHORIZE)).headers["authorization"]
        await door.age("tokens_expire_at", "1 hour")
        answers = await asyncio.gather(*(browser.get(AUTHORIZE) for _ in range(8)))
        assert {answer.status_code for answer in answers} == {204}
        assert door.issuer.refreshed == 1
        (second,) = {answer.headers["authorization"] for answer in answers}
        assert second != first


async def test_a_session_ends_when_the_issuer_gives_no_new_token(door: Door) -> None:
    async with door.browser() as browser:
        await door.login(browser, "carlos")
        await door.age("tokens_expire_at", "1 hour")
        door.issuer.refuses_refresh = True
        assert (await browser.get(AUTHORIZE)).status_code == 401
        assert await door.database.fetchval("SELECT count(*) FROM portal.sessions") == 0


async def test_another_secret_ends_all_sessions(door: Door) -> None:
    async with door.browser() as browser:
        await door.login(browser, "carlos")
        session_id = browser.cookies[COOKIE]
    changed = door.settings.model_copy(update={"session_secret": SecretStr("quite another secret")})
    async with serving(build(changed)) as address, reaching(address) as browser:
        answer = await browser.get(AUTHORIZE, headers={"Cookie": f"{COOKIE}={session_id}"})
        assert answer.status_code == 401


async def test_with_https_cookies_are_confined_to_it(door: Door) -> None:
    secure = door.settings.model_copy(update={"public_url": "https://relato.example"})
    async with serving(build(secure)) as address, reaching(address) as browser:
        begun = await browser.get("/login/start")
        cookie = begun.headers["set-cookie"]
        location = begun.headers["location"]
        code = door.issuer.consent(location, "carlos")
        state = parse_qs(urlsplit(location).query)["state"][0]
        answer = await browser.get(
            f"/callback?code={code}&state={state}", headers={"Cookie": cookie.partition(";")[0]}
        )
        given = next(each for each in answer.headers.get_list("set-cookie") if "session" in each)
        for each in (cookie, given):
            assert each.startswith("__Host-relato_")
            assert "secure" in each.lower()
            assert "domain" not in each.lower()


async def test_without_its_issuer_a_login_is_to_be_tried_again(door: Door) -> None:
    away = door.settings.model_copy(update={"oidc_issuer": "http://127.0.0.1:9/away"})
    async with serving(build(away)) as address, reaching(address) as browser:
        answer = await browser.get("/login/start")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
