"""The portal behind its front door, with an issuer that was written by others and is certified."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import httpx
import pytest
from portal_query.app import build
from portal_query.settings import PortalSettings
from pydantic import SecretStr
from relato.settings import StackSettings
from relato.stack import caddy, process
from relato.stack.ports import free

from tests.support.oidc_provider import running_oidc_provider
from tests.support.reaching import reaching
from tests.support.serving import serving
from tests.support.waiting import until
from tests.support.walking import walk

SECRET = "of this test: with + and / and % and ="
PAGE = {"Accept": "text/html"}
TICKET = "/desk/tickets/1001?kind=mail"


@dataclass(frozen=True)
class Site:
    """An origin with a portal, and the issuer that it trusts."""

    origin: str
    portal: str
    """Where the portal listens, behind the front door."""
    issuer: str

    def browser(self) -> httpx.AsyncClient:
        """A browser with its own cookies."""
        return reaching(self.origin)

    async def to_callback(self, browser: httpx.AsyncClient, begun: httpx.Response, person: str) -> str:
        """Sign in at the issuer and say yes; gives the address to come back to."""
        back = await walk(browser, begun, f"{self.origin}/callback?", login=person, password="any")
        return str(back.headers["location"])

    async def sign_in(
        self, browser: httpx.AsyncClient, person: str, address: str = "/desk"
    ) -> httpx.Response:
        """Sign in, and come back to where one wanted to be."""
        begun = await browser.get(f"/login/start?next={quote(address, safe='')}")
        return await walk(browser, begun, self.origin + address, login=person, password="any")

    async def bearer(self, browser: httpx.AsyncClient) -> str:
        """What the front door is told about this browser."""
        async with reaching() as door:
            cookie = f"relato_session={browser.cookies['relato_session']}"
            answer = await door.get(f"{self.portal}/session/authorize", headers={"Cookie": cookie})
        assert answer.status_code == 204, answer.text
        return answer.headers["authorization"]

    async def person(self, browser: httpx.AsyncClient) -> str:
        """Who is signed in."""
        claims = (await self.bearer(browser)).split(".")[1]
        return str(json.loads(base64.urlsafe_b64decode(claims + "=="))["sub"])

    async def refused(self, browser: httpx.AsyncClient, address: str) -> None:
        """Come back to an address with which no session begins."""
        answer = await browser.get(address)
        assert (answer.status_code, "relato_session" in browser.cookies) == (400, False), address


@pytest.fixture
async def site(settings: PortalSettings, tmp_path: Path) -> AsyncIterator[Site]:
    door = StackSettings(home=tmp_path, port=free())
    source = Path(__file__).with_name("oidc_provider")
    async with AsyncExitStack() as stack:
        # What is left of 32 seconds when tokens are not handed on for the last 30.
        issuer = await stack.enter_async_context(running_oidc_provider(source, door.origin, SECRET, "32"))
        chosen = settings.model_copy(
            update={
                "public_url": door.origin,
                "oidc_issuer": issuer,
                "oidc_client_secret": SecretStr(SECRET),
                "oidc_roles_claim": "service_roles",
                "oidc_scope": "openid profile offline_access",
                "oidc_login_parameters": {"resource": "urn:relato", "prompt": "consent"},
            }
        )
        portal = await stack.enter_async_context(serving(build(chosen)))
        upstreams = {"portal-query": urlsplit(portal).port or 0}
        await stack.enter_async_context(
            process.running(caddy.program(door, upstreams, tmp_path / "caddy.log", {}, tmp_path))
        )
        yield Site(door.origin, portal, issuer)


async def test_one_signs_in_is_where_one_wanted_to_be_and_stays_there_while_tokens_expire(site: Site) -> None:
    async with site.browser() as browser:
        assert (await site.sign_in(browser, "carlos", TICKET)).headers["location"] == TICKET
        assert (await browser.get("/api/portal/tickets/1001")).json()["ticket_id"] == "1001"
        first = await site.bearer(browser)

        async def replaced() -> bool:
            # Two at a time: a refresh token that came twice would end the login at this issuer.
            both = await asyncio.gather(*(browser.get("/api/portal/tickets/1001") for _ in range(2)))
            assert [answer.status_code for answer in both] == [200, 200]
            return await site.bearer(browser) != first

        await until(replaced, what="another access token")
        second = await site.bearer(browser)

        async def replaced_again() -> bool:
            return len({second, *await asyncio.gather(*(site.bearer(browser) for _ in range(4)))}) > 1

        await until(replaced_again, what="a third access token, got with the second refresh token")


async def test_logging_out_ends_the_issuers_session_too(site: Site) -> None:
    async with site.browser() as browser:
        await site.sign_in(browser, "carlos")
        left = await browser.post("/logout", headers=PAGE)
        assert (await walk(browser, left, f"{site.origin}/login", logout="yes")).is_redirect
        assert (await browser.get("/api/portal/tickets")).status_code == 401
        await site.sign_in(browser, "edu")
        assert await site.person(browser) == "edu", "the issuer asked who this is"
        await browser.post("/logout")
        await site.sign_in(browser, "carlos")
        assert await site.person(browser) == "edu", "which it does not while its own session lasts"


async def test_signing_out_everywhere_reaches_other_browsers(site: Site) -> None:
    async with site.browser() as one, site.browser() as two, site.browser() as other:
        await site.sign_in(one, "carlos")
        await site.sign_in(two, "carlos")
        await site.sign_in(other, "edu")
        await one.post("/logout?everywhere=true")
        assert (await two.get("/api/portal/tickets")).status_code == 401
        assert (await other.get("/api/portal/tickets")).status_code == 200


async def test_what_was_tampered_with_on_the_way_begins_no_session(site: Site) -> None:
    async with site.browser() as browser, site.browser() as other:

        async def returned(**forged: str) -> dict[str, str]:
            begun = await browser.get("/login/start")
            while not begun.headers.get("location", "").startswith(site.issuer):
                begun = await browser.get(begun.headers["location"])
            asked = dict(parse_qsl(urlsplit(begun.headers["location"]).query)) | forged
            begun = await browser.get(f"{site.issuer}/auth?{urlencode(asked)}")
            return dict(parse_qsl(urlsplit(await site.to_callback(browser, begun, "carlos")).query))

        await site.refused(browser, f"/callback?{urlencode(await returned(nonce='another'))}")
        await site.refused(browser, f"/callback?{urlencode(await returned(code_challenge='A' * 43))}")
        for wrong in (
            {"state": "another"},
            {"code": "another"},
            {"iss": "https://other.example"},
            {"iss": ""},
        ):
            await site.refused(browser, f"/callback?{urlencode(await returned() | wrong)}")
        mine = await returned()
        begun = await other.get("/login/start")
        theirs = dict(parse_qsl(urlsplit(await site.to_callback(other, begun, "edu")).query))
        await site.refused(browser, f"/callback?{urlencode(mine | {'code': theirs['code']})}")
        good = f"/callback?{urlencode(await returned())}"
        assert (await browser.get(good)).headers["location"] == "/"
        assert (await browser.get(good)).status_code == 400, "a code counts once"
