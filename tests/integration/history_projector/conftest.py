"""A history projector with its own database and topics."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import pytest
from history_projector import consume, generations, reference
from history_projector.app import build
from history_projector.settings import ProjectorSettings
from pydantic import SecretStr
from relato_runtime import kafka
from relato_runtime.database import Connection, open_pool
from relato_runtime.kafka import OutgoingRecord

from tests.support.issuer import Issuer
from tests.support.reaching import reaching
from tests.support.serving import serving
from tests.support.waiting import until


@dataclass(frozen=True)
class Projecting:
    """What a test has of a running projector."""

    settings: ProjectorSettings
    http: httpx.AsyncClient
    database: asyncpg.Connection
    issuer: Issuer

    async def operate(self, verb: str, *, who: str = "olga", **wish: object) -> httpx.Response:
        """Ask for something to be done with the history's generations."""
        return await self.http.post(
            f"/api/operate/projections/history/{verb}", json=wish, headers=self.issuer.bearer(who, "operator")
        )

    async def done(
        self, verb: str, generation: int | None = None, reason: str = "", *, dry_run: bool = False
    ) -> int:
        """The same, and it has to be done: the generation that it was done with."""
        answer = await self.operate(verb, generation=generation, reason=reason, dry_run=dry_run)
        assert answer.status_code == 200, answer.text
        number: int = answer.json()["generation"]
        return number

    async def generations(self) -> dict[int, dict[str, Any]]:
        """What the list says, by number."""
        headers = self.issuer.bearer("olga", "operator")
        answer = await self.http.get("/api/operate/projections", headers=headers)
        assert answer.status_code == 200, answer.text
        return {each["generation"]: each for each in answer.json()["items"]}

    async def level(self, number: int) -> None:
        """Wait until a generation has taken in everything that there is."""

        async def reached() -> bool:
            known = (await self.generations())[number]
            return bool(known["behind"] == 0 and known["state"] != "preparing")

        await until(reached, within=60, what=f"generation {number}")

    async def publish(self, *records: OutgoingRecord) -> None:
        """Publish records in order, and wait until the projector has taken in those of its topics."""
        # What both consumers read, both take in.
        prefix, topics = self.settings.topic_prefix, (*consume.TOPICS, *reference.TOPICS)
        consumed = Counter(prefix + topic.name for topic in topics)
        awaited = sum(consumed[record.topic] for record in records)
        before = await self._taken_in()
        async with kafka.producing(self.settings) as producer:
            await kafka.send(producer, records)

        async def arrived() -> bool:
            return await self._taken_in() >= before + awaited

        await until(arrived, what="the records")

    async def row(self, query: str) -> asyncpg.Record:
        """The first row that a query finds."""
        row = await self.database.fetchrow(query)
        assert row is not None, query
        return row

    async def _taken_in(self) -> int:
        count: int = await self.database.fetchval("SELECT coalesce(sum(next_offset), 0)::int FROM positions")
        return count


@pytest.fixture
async def generation(database: Callable[..., Awaitable[str]]) -> AsyncIterator[Connection]:
    """A connection that sees the tables of the first generation."""
    url = await database("history_projector")
    async with open_pool(url, size=2) as pool:
        await generations.consuming(pool)
    async with open_pool(generations.address(url, 1), size=2) as own, own.acquire() as connection:
        yield connection


@pytest.fixture
async def projector_settings(
    database: Callable[..., Awaitable[str]], kafka_bootstrap: str, topic_prefix: str, issuer: Issuer
) -> ProjectorSettings:
    return ProjectorSettings(
        database_url=SecretStr(await database("history_projector")),
        kafka_bootstrap=kafka_bootstrap,
        topic_prefix=topic_prefix,
        oidc_issuer=issuer.url,
    )


@asynccontextmanager
async def running(
    settings: ProjectorSettings, issuer: Issuer, *, awaited: bool = True
) -> AsyncIterator[Projecting]:
    """A projector for as long as the block lasts, which begins once it is ready if that is awaited."""
    database = await asyncpg.connect(settings.database_url.get_secret_value())
    try:
        async with (
            serving(build(settings)) as address,
            reaching(address) as client,
        ):

            async def ready() -> bool:
                return (await client.get("/readyz")).status_code == 200

            if awaited:
                await until(ready, what="readiness")
            yield Projecting(settings, client, database, issuer)
    finally:
        await database.close()


@pytest.fixture
async def projector(projector_settings: ProjectorSettings, issuer: Issuer) -> AsyncIterator[Projecting]:
    async with running(projector_settings, issuer) as service:
        yield service
