"""Issuers differ: what they give, say about themselves, and when they answer."""

import asyncio
import time
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import ECKey
from portal_query.app import build
from relato_runtime import auth

from tests.integration.portal_query.door import AUTHORIZE, COOKIE, Door
from tests.support.reaching import reaching
from tests.support.serving import serving


async def test_without_refresh_tokens_a_session_lasts_as_long_as_its_token(door: Door) -> None:
    door.issuer.gives_refresh_tokens = False
    async with door.browser() as browser:
        await door.login(browser, "carlos")
        assert (await browser.get(AUTHORIZE)).status_code == 204
        await door.age("tokens_expire_at", "1 hour")
        page = {"Accept": "text/html", "X-Forwarded-Uri": "/desk/tickets/1001"}
        answer = await browser.get(AUTHORIZE, headers=page)
        assert (answer.status_code, answer.headers["location"]) == (
            303,
            "/login?next=/desk/tickets/1001&ended=1",
        )


async def test_an_issuer_may_change_its_keys_between_logins(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "_RELOAD_SECONDS", 0)  # as if the keys had been asked for a while ago
    async with door.browser() as browser:
        for _ in range(2):
            assert (await door.login(browser, "carlos")).status_code == 303
            door.issuer.key = ECKey.generate_key("P-256", auto_kid=True)


async def test_clocks_may_differ_a_little(door: Door) -> None:
    now = int(time.time())
    for skewed, status in (({"iat": now + 20}, 303), ({"exp": now - 20}, 303), ({"exp": now - 600}, 400)):
        door.issuer.wrong_id_claims = skewed
        async with door.browser() as browser:
            assert (await door.login(browser, "carlos")).status_code == status, skewed


async def test_a_subject_that_is_no_id_of_relato_cannot_log_in(door: Door) -> None:
    for subject in ("carlos silva", "x" * 65, "josé", ""):
        async with door.browser() as browser:
            answer = await door.login(browser, subject)
            assert (answer.status_code, COOKIE in browser.cookies) == (400, False), subject


async def test_an_issuer_that_says_it_names_itself_has_to(door: Door) -> None:
    door.issuer.more_metadata = {"authorization_response_iss_parameter_supported": True}
    async with door.browser() as browser:
        location = await door.leave(browser)
        state = parse_qs(urlsplit(location).query)["state"][0]
        code = door.issuer.consent(location, "carlos")
        assert (await browser.get(f"/callback?code={code}&state={state}")).status_code == 400
        location = await door.leave(browser)
        state = parse_qs(urlsplit(location).query)["state"][0]
        code = door.issuer.consent(location, "carlos")
        answer = await browser.get(f"/callback?code={code}&state={state}&iss={door.issuer.url}")
        assert answer.status_code == 303


async def test_logging_out_goes_on_to_an_issuer_that_has_sessions_to_end(door: Door) -> None:
    door.issuer.more_metadata = {"end_session_endpoint": f"{door.issuer.url}/bye"}
    async with door.browser() as browser:
        await door.login(browser, "carlos")
        answer = await browser.post("/logout", headers={"Accept": "text/html"})
        assert (answer.status_code, COOKIE in browser.cookies) == (303, False)
        assert answer.headers["location"].startswith(f"{door.issuer.url}/bye?")
        said = parse_qs(urlsplit(answer.headers["location"]).query)
        assert said["post_logout_redirect_uri"] == [f"{door.settings.public_url}/login"]
        assert said["client_id"] == ["relato-portal"]
        assert said["id_token_hint"][0].count(".") == 2
        again = await browser.post("/logout", headers={"Accept": "text/html"})
        assert again.headers["location"] == "/login", "nobody is logged in any more"


async def test_the_issuer_is_told_at_a_login_what_settings_want_it_to_hear(door: Door) -> None:
    parameters = {"resource": "urn:relato", "prompt": "consent"}
    told = door.settings.model_copy(update={"oidc_login_parameters": parameters})
    async with serving(build(told)) as address, reaching(address) as browser:
        location = (await browser.get("/login/start")).headers["location"]
    asked = parse_qs(urlsplit(location).query)
    assert (asked["resource"], asked["prompt"]) == (["urn:relato"], ["consent"])


async def test_roles_stand_in_the_claim_that_settings_name(door: Door) -> None:
    settings = door.settings.model_copy(update={"oidc_roles_claim": "groups"})
    token = door.issuer.token("davi", "operator", groups=["administrator"])
    assert (await auth.Authenticator(settings).verify(token)).roles == {"administrator"}


async def test_a_slow_issuer_holds_up_only_those_whose_tokens_expire(door: Door) -> None:
    door.issuer.answering.clear()
    async with door.browser() as fresh, reaching(door.address) as requests:
        expired = []
        for _ in range(door.settings.database_pool + 2):
            async with door.browser() as browser:
                await door.login(browser, "edu")
                expired.append(browser.cookies[COOKIE])
        await door.age("tokens_expire_at", "1 hour")
        await door.login(fresh, "carlos")
        waiting = [
            asyncio.create_task(requests.get(AUTHORIZE, headers={"Cookie": f"{COOKIE}={each}"}))
            for each in expired
        ]
        for _ in range(20):
            assert (await fresh.get(AUTHORIZE)).status_code == 204
        assert not any(task.done() for task in waiting)
        door.issuer.answering.set()
        assert {task.result().status_code for task in await _all(waiting)} == {204}


async def _all(tasks: "list[asyncio.Task[httpx.Response]]") -> "set[asyncio.Task[httpx.Response]]":
    return (await asyncio.wait(tasks, timeout=20))[0]
