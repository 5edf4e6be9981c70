"""A portal on read models of its own, in the small known world, as the roles of an installation."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import pytest
from portal_query.app import build
from portal_query.settings import PortalSettings
from pydantic import SecretStr

from tests.integration.portal_query.door import Door
from tests.support import world
from tests.support.databases import provision_portal, with_role
from tests.support.events import EventStream
from tests.support.issuer import Issuer
from tests.support.login_issuer import running_login_issuer
from tests.support.projection import Projection
from tests.support.reaching import reaching
from tests.support.serving import serving
from tests.support.waiting import until


@dataclass(frozen=True)
class Portal:
    """What a test has of a running portal."""

    settings: PortalSettings
    http: httpx.AsyncClient
    issuer: Issuer
    history: Projection

    async def get(self, person_id: str, path: str, **headers: str) -> httpx.Response:
        """GET below /api/portal as a person."""
        return await self.http.get(f"/api/portal{path}", headers=self.issuer.bearer(person_id) | headers)

    async def administered(self, path: str) -> httpx.Response:
        """GET below /api/portal/admin as Davi, who is an administrator."""
        bearer = self.issuer.bearer("davi", "administrator")
        return await self.http.get(f"/api/portal/admin{path}", headers=bearer)

    async def entries(self, person_id: str, path: str) -> list[dict[str, Any]]:
        """The items of a page that there has to be."""
        answer = await self.get(person_id, path)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def stream(self, person_id: str, path: str, **headers: str) -> EventStream:
        """Open a stream that there has to be."""
        return await EventStream.open(
            self.http, f"/api/portal{path}", self.issuer.bearer(person_id) | headers
        )

    async def followed_by(self, count: int, *, within: float = 20) -> None:
        """Wait until so many requests wait for news of tickets."""

        async def followed() -> bool:
            return f"relato_ticket_followers {float(count)}" in (await self.http.get("/metrics")).text

        await until(followed, within=within, what=f"{count} followers")

    async def be_there(self, person_id: str, path: str, state: str, **more: object) -> httpx.Response:
        """Say that a person looks at a ticket."""
        return await self.http.post(
            f"/api/portal{path}/presence",
            json={"state": state, **more},
            headers=self.issuer.bearer(person_id),
        )


@pytest.fixture
async def history(database: Callable[..., Awaitable[str]]) -> Projection:
    """The read models of the small known world."""
    projection = Projection(await database("history_projector"))
    await projection.create()
    await projection.tell(*world.world())
    return projection


@pytest.fixture
def presence_prefix() -> str:
    """Where presence goes to; modules whose tests say who is there have topics for it."""
    return "nowhere."


@pytest.fixture
async def settings(
    history: Projection, kafka_bootstrap: str, presence_prefix: str, issuer: Issuer
) -> PortalSettings:
    await provision_portal(history.url)
    return PortalSettings(
        database_url=SecretStr(with_role(history.url, "portal_query")),
        executor_database_url=SecretStr(with_role(history.url, "portal_executor")),
        requester_database_url=SecretStr(with_role(history.url, "portal_requester")),
        kafka_bootstrap=kafka_bootstrap,
        topic_prefix=presence_prefix,
        oidc_issuer=issuer.url,
        oidc_client_id="relato-portal",
        oidc_client_secret=SecretStr("a secret of this test"),
        public_url="http://127.0.0.1:8080",
        session_secret=SecretStr("a secret of this test, too"),
        requests_per_second=1_000,
    )


@pytest.fixture
async def portal(settings: PortalSettings, issuer: Issuer, history: Projection) -> AsyncIterator[Portal]:
    async with (
        serving(build(settings)) as address,
        reaching(address) as client,
    ):

        async def ready() -> bool:
            return (await client.get("/readyz")).status_code == 200

        await until(ready, what="readiness")
        yield Portal(settings, client, issuer, history)


@pytest.fixture
async def door(history: Projection, settings: PortalSettings) -> AsyncIterator[Door]:
    connection = await asyncpg.connect(history.url)
    async with running_login_issuer() as issuer:
        chosen = settings.model_copy(update={"oidc_issuer": issuer.url})
        async with serving(build(chosen)) as address, reaching(address) as client:

            async def ready() -> bool:
                return (await client.get("/readyz")).status_code == 200

            await until(ready, what="readiness")
            yield Door(address, issuer, connection, chosen)
    await connection.close()
