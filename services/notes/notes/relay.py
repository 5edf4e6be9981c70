"""Committed events to Kafka: at least once, and in order per ticket. One process leads at a time."""

import asyncio
import os
import socket
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import TypeVar

import asyncpg
import structlog
from aiokafka import AIOKafkaProducer
from opentelemetry.trace import SpanKind
from prometheus_client import Counter, Gauge
from relato_contracts.topics import NOTES
from relato_runtime import background, kafka, telemetry
from relato_runtime.published import Acknowledged
from relato_runtime.readiness import Readiness
from relato_runtime.settings import ServiceSettings

from notes import outbox
from notes.operating import levelling
from notes.records import record_of

log = structlog.get_logger(__name__)

RELAYED = Counter("relato_relayed", "Events acknowledged by Kafka")
LEADING = Gauge("relato_relay_leading", "1 while this process relays")

_Result = TypeVar("_Result")
LEASE = timedelta(seconds=3)
STANDBY_SECONDS = 0.5
_RENEW_SECONDS = 1.0
_POLL_SECONDS = 0.02
_BATCH = 2_000


class Deposed(Exception):
    """Another process leads; what this one held on to is not its own any more."""


class Relay:
    """Publishes what waits in the outbox for as long as its lease lasts."""

    def __init__(self, settings: ServiceSettings, readiness: Readiness, part: str) -> None:
        self._settings = settings
        self._readiness = readiness
        self._part = part
        self._topic = settings.topic_prefix + NOTES.name
        self._holder = f"{socket.gethostname()}:{os.getpid()}"
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Say that something was committed by this process."""
        self._wake.set()

    async def run(self) -> None:
        """Wait to lead, then relay until something goes wrong; a new run starts from the table."""
        async with AsyncExitStack() as stack:
            connection = await asyncpg.connect(
                self._settings.database_url.get_secret_value(), timeout=5, command_timeout=10
            )
            stack.push_async_callback(_close, connection)
            while (epoch := await outbox.lead(connection, self._holder, LEASE)) is None:
                self._readiness.has(self._part)  # another leads: standing by is this one's work
                await asyncio.sleep(STANDBY_SECONDS)
            log.info("leading", epoch=epoch)
            LEADING.set(1)
            stack.callback(LEADING.set, 0)
            stack.push_async_callback(_resign, connection, epoch)
            if diverged := await levelling.level(self._settings, connection):
                raise diverged[0]
            producer = await stack.enter_async_context(kafka.producing(self._settings, linger_ms=2))
            self._readiness.has(self._part)
            await self._lead(connection, producer, epoch)

    async def _lead(
        self, connection: "asyncpg.Connection[asyncpg.Record]", producer: AIOKafkaProducer, epoch: int
    ) -> None:
        renewed = time.monotonic() - _RENEW_SECONDS
        acknowledged = Acknowledged()
        ahead: list[outbox.Pending] = []
        while True:
            if time.monotonic() - renewed >= _RENEW_SECONDS:
                if not await outbox.stay(connection, epoch, LEASE):
                    raise Deposed
                renewed = time.monotonic()
            self._wake.clear()
            events, ahead = ahead or await outbox.pending(connection, _BATCH), []
            if not events:
                # Until this process commits something, or for long enough to look at what others did.
                await background.rest(self._wake, _POLL_SECONDS)
                continue
            if time.monotonic() - renewed > LEASE.total_seconds():
                continue  # this process slept while it read: first see whether it still leads
            since = telemetry.now()
            # Asked first: PostgreSQL reads while the records are made.
            following, placed = await asyncio.gather(
                _read_ahead(connection, events),
                kafka.send(producer, (record_of(self._topic, event) for event in events)),
                return_exceptions=True,  # the connection is free when both have ended
            )
            reached = acknowledged.take(_unless_failed(placed))
            ahead = _unless_failed(following)
            if not await outbox.acknowledge(connection, epoch, [event.seq for event in events], reached):
                raise Deposed
            RELAYED.inc(len(events))
            for event in events:
                telemetry.past(
                    f"publish {self._topic}",
                    event.traceparent,
                    since,
                    kind=SpanKind.PRODUCER,
                    messaging__system="kafka",
                    messaging__destination__name=self._topic,
                    relato__ticket_id=event.ticket_id,
                    relato__version=event.version,
                )


async def _read_ahead(
    connection: "asyncpg.Connection[asyncpg.Record]", events: Sequence[outbox.Pending]
) -> list[outbox.Pending]:
    """What follows these while they are under way; with so few that they were all, not worth asking."""
    return await outbox.following(connection, _BATCH, events) if len(events) == _BATCH else []


def _unless_failed(result: _Result | BaseException) -> _Result:
    if isinstance(result, BaseException):
        raise result
    return result


async def _resign(connection: "asyncpg.Connection[asyncpg.Record]", epoch: int) -> None:
    if not connection.is_closed():
        await outbox.resign(connection, epoch)


async def _close(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    await connection.close(timeout=2)
