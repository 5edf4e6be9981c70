"""The ledger and its topic brought level before any mail, should either have been put back from a backup."""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import cast

import asyncpg
import structlog
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.structs import TopicPartition
from prometheus_client import Counter
from relato_contracts.envelope import Undecodable, decode
from relato_contracts.notifications import (
    EmailAccepted,
    EmailFact,
    EmailOutcome,
    EmailRejected,
    EmailSuppressed,
    EmailUncertain,
)
from relato_contracts.topics import NOTIFICATIONS
from relato_runtime import erased, incarnation, published, tail
from relato_runtime.background import Loop
from relato_runtime.database import Connection
from relato_runtime.positions import Position, Record, latest
from relato_runtime.readiness import Readiness
from relato_runtime.settings import ServiceSettings
from relato_runtime.tail import Reader

from notifier import restored
from notifier.publish import SOURCE
from notifier.restored import Told

log = structlog.get_logger(__name__)

DOUBTED = Counter("relato_mails_doubted", "Mails uncertain since the ledger was put back")
RETOLD = Counter("relato_mail_outcomes_retold", "Outcomes announced again since Kafka may have lost them")

_OUT_OF_ORDER = timedelta(hours=2)
"""By how much outcomes may be told in another order than they came about, as where a clock was set back."""

_STATES = {
    EmailAccepted: "accepted",
    EmailRejected: "rejected",
    EmailUncertain: "uncertain",
    EmailSuppressed: "suppressed",
}


class Gate:
    """Holds the other loops back until ledger and topic are level; Kafka is waited for, mails can wait."""

    def __init__(self, settings: ServiceSettings, readiness: Readiness, part: str) -> None:
        self._settings = settings
        self._readiness = readiness
        self._part = part
        self._open = asyncio.Event()
        self._since: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether they are level."""
        return self._open.is_set()

    async def run(self) -> None:
        """Bring them level, then let everything else begin."""
        if not self._open.is_set():
            connection = await asyncpg.connect(
                self._settings.database_url.get_secret_value(), timeout=5, command_timeout=10
            )
            try:
                # What was recorded before this process began may have been mailed by one before it.
                if self._since is None:
                    self._since = await connection.fetchval("SELECT clock_timestamp()")
                await level(self._settings, connection, self._since)
            finally:
                await connection.close(timeout=2)
            self._open.set()
        self._readiness.has(self._part)
        await asyncio.Event().wait()

    def behind(self, loop: Loop) -> Loop:
        """The same loop, once the gate is open."""

        async def run() -> None:
            await self._open.wait()
            await loop()

        return run


async def level(settings: ServiceSettings, connection: Connection, since: datetime) -> None:
    """Announce again what Kafka has lost, learn what it knows and the ledger does not, and doubt the rest."""
    async with tail.reading(settings, NOTIFICATIONS) as reader, incarnation.alone(connection):
        elsewhere = await incarnation.known(connection) == "other"
        ends = await reader.consumer.end_offsets(reader.partitions)
        stored = await published.load(connection, reader.partitions)
        begins = await tail.standing(reader.consumer, stored)
        lowered = {each: begins[each] for each in begins if begins[each] < stored[each].next_offset}
        if lowered:
            await _tell_again(connection, reader, lowered)
        learnt = 0
        reached: dict[TopicPartition, Position] = {}
        for partition in reader.partitions:
            async for records in reader.records(partition, begins[partition], ends[partition]):
                told = [_told(outcome) for outcome in ours(records)]
                news = await restored.lacking(connection, told)
                await restored.keep(connection, news)
                learnt += len(news)
                if told:
                    reached[partition] = Position(records[-1].offset + 1, latest(records))
        async with connection.transaction():
            if learnt or elsewhere:
                doubted = await restored.settle_all(connection, since)
                DOUBTED.inc(doubted)
                log.warning("the ledger was put back", learnt=learnt, uncertain=doubted)
            # Only now: should this end before, the next process finds the same.
            await published.advance(connection, reached)
            await incarnation.remember(connection)


def ours(records: Iterable[Record]) -> list[EmailOutcome]:
    """The outcomes among records that this service has published."""
    found: list[EmailOutcome] = []
    for record in records:
        try:
            envelope, fact = decode(record.key, record.value, record.headers, record.timestamp)
        except Undecodable:
            continue  # consumers put it down as a dead letter
        if envelope.source == SOURCE and isinstance(fact, EmailFact):
            found.append(cast(EmailOutcome, fact))  # its only subclasses
    return found


def _told(outcome: EmailOutcome) -> Told:
    reason = None if isinstance(outcome, EmailAccepted) else outcome.reason
    return Told(outcome.mail_id, _STATES[type(outcome)], reason, outcome.at)


async def _tell_again(connection: Connection, reader: Reader, lowered: dict[TopicPartition, int]) -> None:
    """Everything that a partition may have lost; what it has not lost, consumers drop by its id."""
    every = sorted(each.partition for each in reader.partitions)
    place = DefaultPartitioner()
    of_partition: dict[int, list[str]] = {each.partition: [] for each in lowered}
    for ticket_id in await restored.tickets(connection):
        if (partition := place(ticket_id.encode(), every, every)) in of_partition:
            of_partition[partition].append(ticket_id)
    number = 0
    last = {each: await _last_told(reader, each, end) for each, end in lowered.items()}
    async with connection.transaction():
        for partition, at in last.items():
            tickets = of_partition[partition.partition]
            number += await restored.tell_again(connection, tickets, at, _OUT_OF_ORDER)
        await published.lower(connection, lowered)
        await erased.again(connection)
    RETOLD.inc(number)
    log.warning("the broker was put back: outcomes are announced again", number=number)


async def _last_told(reader: Reader, partition: TopicPartition, end: int) -> datetime | None:
    """When the last outcome came about that a partition has before this end."""
    async for records in reader.before(partition, end):
        if found := ours(records):
            return max(each.at for each in found)
    return None
