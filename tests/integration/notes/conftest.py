"""A notes service with its own database and topics, in the small known world."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg
import httpx
import pytest
from notes.app import build
from notes.settings import NotesSettings
from pydantic import SecretStr
from relato_contracts.fields import Fact
from relato_runtime import kafka

from tests.support import world
from tests.support.issuer import Issuer
from tests.support.reaching import reaching
from tests.support.serving import serving
from tests.support.waiting import until


def occurrence(**changes: object) -> dict[str, object]:
    """The body of a request that records an internal occurrence."""
    return {"description_html": "<p>Cabo trocado</p>", "occurred_at": datetime.now(UTC).isoformat()} | changes


@dataclass(frozen=True)
class Service:
    """What a test has of a running service."""

    settings: NotesSettings
    http: httpx.AsyncClient
    database: asyncpg.Connection
    issuer: Issuer

    async def post(
        self, person_id: str, path: str, body: Mapping[str, object], **headers: str
    ) -> httpx.Response:
        """POST as a person."""
        return await self.http.post(
            f"/api/notes{path}", json=dict(body), headers=self.issuer.bearer(person_id) | headers
        )

    async def publish(self, *given: Fact) -> None:
        """Publish facts, and wait until the service has taken them in."""
        await self.send(*(world.record(self.settings, fact) for fact in given))

    async def send(self, *records: kafka.OutgoingRecord) -> None:
        """Send records, good or bad, and wait until the service has dealt with them."""
        before = await self._taken_in()
        async with kafka.producing(self.settings) as producer:
            await kafka.send(producer, records)

        async def arrived() -> bool:
            return await self._taken_in() >= before + len(records)

        await until(arrived, what="reference data")

    async def _taken_in(self) -> int:
        count: int = await self.database.fetchval("SELECT coalesce(sum(next_offset), 0)::int FROM positions")
        return count


@pytest.fixture
async def notes_settings(
    database: Callable[..., Awaitable[str]], kafka_bootstrap: str, topic_prefix: str, issuer: Issuer
) -> NotesSettings:
    return NotesSettings(
        database_url=SecretStr(await database("notes")),
        kafka_bootstrap=kafka_bootstrap,
        topic_prefix=topic_prefix,
        oidc_issuer=issuer.url,
        requests_per_second=1_000,
    )


@pytest.fixture
async def log(notes_settings: NotesSettings) -> AsyncIterator[asyncpg.Connection]:
    """The database of a service that does not run."""
    connection = await asyncpg.connect(notes_settings.database_url.get_secret_value())
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture
async def service(notes_settings: NotesSettings, issuer: Issuer) -> AsyncIterator[Service]:
    settings = notes_settings
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    try:
        async with (
            serving(build(settings)) as address,
            reaching(address) as client,
        ):
            running = Service(settings, client, connection, issuer)

            async def ready() -> bool:
                return (await client.get("/readyz")).status_code == 200

            await until(ready, what="readiness")
            await running.publish(*world.world())
            yield running
    finally:
        await connection.close()
