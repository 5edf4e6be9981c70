"""A portal where browsers log in, at an issuer that a test plays."""

from dataclasses import dataclass
from urllib.parse import parse_qs, quote, urlsplit

import asyncpg
import httpx
from portal_query.settings import PortalSettings

from tests.support.login_issuer import LoginIssuer
from tests.support.reaching import reaching

AUTHORIZE = "/session/authorize"
COOKIE = "relato_session"


@dataclass(frozen=True)
class Door:
    """A portal where browsers log in."""

    address: str
    issuer: LoginIssuer
    database: asyncpg.Connection
    settings: PortalSettings

    def browser(self) -> httpx.AsyncClient:
        """A browser with its own cookies."""
        return reaching(self.address)

    async def login(
        self, browser: httpx.AsyncClient, person_id: str, address: str = "/desk"
    ) -> httpx.Response:
        """Log in and come back; gives the answer that begins the session."""
        return await self.come_back(browser, await self.leave(browser, address), person_id)

    async def leave(self, browser: httpx.AsyncClient, address: str = "/desk") -> str:
        """Begin a login; gives where the browser is sent."""
        begun = await browser.get(f"/login/start?next={quote(address, safe='')}")
        assert begun.status_code == 303, begun.text
        return begun.headers["location"]

    async def come_back(self, browser: httpx.AsyncClient, location: str, person_id: str) -> httpx.Response:
        """Say yes at the issuer, and come back with the code."""
        code = self.issuer.consent(location, person_id)
        state = parse_qs(urlsplit(location).query)["state"][0]
        return await browser.get(f"/callback?code={code}&state={quote(state)}")

    async def age(self, column: str, interval: str) -> None:
        """Let time pass for all sessions."""
        await self.database.execute(f"UPDATE portal.sessions SET {column} = {column} - interval '{interval}'")
