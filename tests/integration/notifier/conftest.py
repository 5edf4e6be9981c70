"""A notifier with its own database, topics and mail server, in the small known world."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
import pytest
from notifier import ledger
from notifier.app import build
from notifier.ledger import MailSummary
from notifier.settings import NotifierSettings
from pydantic import HttpUrl, SecretStr
from relato_contracts.envelope import Envelope, decode
from relato_contracts.fields import Fact
from relato_contracts.notifications import EmailFact
from relato_contracts.people import PersonErased
from relato_contracts.topics import NOTIFICATIONS
from relato_runtime import kafka
from uuid6 import uuid7

from tests.support import stream, topics, world
from tests.support.issuer import Issuer
from tests.support.mailbox import Mailbox, running_mailbox
from tests.support.reaching import reaching
from tests.support.serving import serving
from tests.support.waiting import until

ANA = "ana@empresa.example"
CARLOS = "carlos@empresa.example"
HASTY: dict[str, Any] = {"smtp_connect_seconds": 1.0, "smtp_timeout_seconds": 1.0, "lease_seconds": 7.0}
"""Settings for tests that wait for an answer not to come."""


@dataclass
class Notifier:
    """What a test has of a notifier, running or not."""

    settings: NotifierSettings
    mailbox: Mailbox
    database: "asyncpg.Connection[asyncpg.Record]"
    issuer: Issuer
    running: AsyncExitStack = field(default_factory=AsyncExitStack)
    version: int = 0
    address: str = ""

    async def start(self, **changes: Any) -> None:
        """Run the service, with some settings changed."""
        settings = self.settings.model_copy(update=changes)
        self.address = await self.running.enter_async_context(serving(build(settings)))

    async def stop(self) -> None:
        """Stop it as SIGTERM does."""
        await self.running.aclose()

    async def ask(
        self, method: str, path: str, *roles: str, person: str = "davi", **options: Any
    ) -> httpx.Response:
        """A request below /api/notifier, of Davi as an administrator unless it says otherwise."""
        headers = self.issuer.bearer(person, *(roles or ("administrator",))) | options.pop("headers", {})
        async with reaching(self.address, timeout=60) as client:
            return await client.request(method, f"/api/notifier{path}", headers=headers, **options)

    async def publish(self, *facts: Fact) -> None:
        """Publish reference data."""
        await world.publish(self.settings, *facts)

    async def note(self, *facts: Fact, **changes: Any) -> list[Envelope]:
        """Publish facts of ``relato.notes`` that happen now; returns their envelopes."""
        noted = []
        for fact in facts:
            self.version += 1
            envelope, _ = stream.noted(self.version, fact, id=str(uuid7()), time=datetime.now(UTC))
            noted.append((replace(envelope, **changes), fact))
        await self.send(*noted)
        return [envelope for envelope, _ in noted]

    async def send(self, *noted: tuple[Envelope, Fact]) -> None:
        """Publish facts as they are."""
        async with kafka.producing(self.settings) as producer:
            await kafka.send(producer, [stream.outgoing(self.settings, each) for each in noted])

    async def mails(self, number: int, *states: str, within: float = 20) -> list[MailSummary]:
        """The ledger, once it has so many mails and all are in one of these states."""

        async def settled() -> list[MailSummary]:
            found = await ledger.listing(self.database)
            return found if len(found) >= number and all(each["state"] in states for each in found) else []

        return await until(settled, within=within, what=f"{number} mails {' or '.join(states)}")

    async def tried(self) -> None:
        """Wait until an attempt has been refused for now."""

        async def refused() -> bool:
            outcome = await self.database.fetchval("SELECT true FROM attempts WHERE outcome = 'retry'")
            return outcome is True

        await until(refused, what="a first attempt")

    async def outcomes(self, count: int) -> list[tuple[Envelope, EmailFact]]:
        """What was published on ``relato.notifications``."""
        records = await topics.read_all(self.settings, NOTIFICATIONS, count=count)
        decoded = [decode(record.key, record.value or b"", record.headers) for record in records]
        return [(envelope, fact) for envelope, fact in decoded if isinstance(fact, EmailFact)]

    async def taken_in(self) -> None:
        """Wait until all that was published has been consumed."""
        marker = world.person(f"marcador-{uuid7()}")
        await self.publish(marker)

        async def arrived() -> bool:
            found = await self.database.fetchval(
                "SELECT true FROM people WHERE person_id = $1", marker.person_id
            )
            return found is True

        await until(arrived, what="the marker")

    async def erase(self, person_id: str) -> None:
        """Publish that somebody was erased, and wait until it was taken in."""
        await self.publish(PersonErased(person_id=person_id, erased_at=datetime.now(UTC), tickets=1))

        async def taken_in() -> bool:
            asked = "SELECT true FROM erased_people WHERE person_id = $1"
            return bool(await self.database.fetchval(asked, person_id))

        await until(taken_in, what="the erasure")


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with running_mailbox() as running:
        yield running


@pytest.fixture
async def idle(
    database: Callable[..., Awaitable[str]],
    kafka_bootstrap: str,
    topic_prefix: str,
    mailbox: Mailbox,
    issuer: Issuer,
) -> AsyncIterator[Notifier]:
    """A notifier that is not running yet."""
    settings = NotifierSettings(
        database_url=SecretStr(await database("notifier")),
        kafka_bootstrap=kafka_bootstrap,
        topic_prefix=topic_prefix,
        oidc_issuer=issuer.url,
        smtp_url=SecretStr(mailbox.url),
        smtp_timeout_seconds=30,
        lease_seconds=60,
        public_url=HttpUrl("http://relato.example"),
        first_retry_seconds=0.2,
        configuration_patience_seconds=0.2,
    )
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    notifier = Notifier(settings, mailbox, connection, issuer)
    try:
        yield notifier
    finally:
        await notifier.stop()
        await connection.close()


@pytest.fixture
async def notifier(idle: Notifier) -> Notifier:
    """A running notifier in the small known world."""
    await idle.publish(*world.world())
    await idle.start()
    await idle.taken_in()
    return idle


@pytest.fixture
async def hasty(idle: Notifier) -> Notifier:
    """A running notifier that does not wait long for answers, in the small known world."""
    await idle.publish(*world.world())
    await idle.start(**HASTY)
    await idle.taken_in()
    return idle
