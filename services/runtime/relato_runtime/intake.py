"""Records into a database: what they mean, the letters they are not, and the positions behind them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.structs import TopicPartition
from opentelemetry.trace import SpanKind
from prometheus_client import Counter

from relato_runtime import dead_letters, kafka, leftovers, positions, silent_letters, telemetry
from relato_runtime.database import Connection, Pool
from relato_runtime.decoded import Decoded, Polled
from relato_runtime.positions import DeadLetter, Position, Record, latest

log = structlog.get_logger(__name__)

CONSUMED = Counter("relato_records_consumed", "Records taken in", ["consumer", "topic"])
DEAD = Counter("relato_dead_letters", "Records that could not be taken in", ["consumer", "reason"])

Apply = Callable[[Connection, Sequence[Decoded]], Awaitable[Sequence[DeadLetter]]]
"""Writes what decoded records mean, inside the transaction that moves the positions.

Gets each partition's records in order and never twice; returns those that it could not take in.
"""

Broken = Callable[[Connection, Sequence[DeadLetter]], Awaitable[None]]
"""Told, inside the same transaction and before what can be decoded is applied, of records that cannot."""


class DatabaseWentBack(Exception):
    """Positions lie before where they were: the database was put back, or another server took over."""


@dataclass(frozen=True, slots=True)
class Intake:
    """Takes in what polls bring, for one consumer."""

    pool: Pool
    consumer: str
    dead_letters: str
    """Their topic."""
    apply: Apply
    broken: Broken | None
    on_commit: Callable[[], None] | None
    known: dict[TopicPartition, int] = field(default_factory=dict)
    """Where the database is known to stand, which only ever goes on."""

    async def look(self) -> None:
        """Raise ``DatabaseWentBack`` where that is no longer so, also where nothing comes to be taken in."""
        stored = await positions.load(self.pool, self.consumer, self.known)
        self._compare({each: stored[each].next_offset if each in stored else 0 for each in self.known})

    async def take(self, producer: AIOKafkaProducer, polled: Polled) -> dict[TopicPartition, int]:
        """Everything from one poll in one transaction: returns where each partition reads on.

        Some of it may be of partitions that were taken away meanwhile: what another member has
        taken in by now lies below the positions, and is dropped.
        """
        batches, decoded, broken = polled
        since = telemetry.now()
        if broken:
            await self._publish(producer, broken)
        async with self.pool.acquire() as connection, connection.transaction():
            locked = await positions.lock(connection, self.consumer, batches)
            self._compare(locked)
            new = [each for each in decoded if each[0].offset >= locked[_partition(each[0])]]
            letters = [each for each in broken if each.record.offset >= locked[_partition(each.record)]]
            if letters and self.broken is not None:
                await self.broken(connection, letters)
            refused = await self.apply(connection, new) if new else ()
            if refused:
                await self._publish(producer, refused)
                letters += refused
            if letters:
                await positions.park(connection, self.consumer, letters)
            await self._forget(connection, new, letters)
            ends = {partition: records[-1].offset + 1 for partition, records in batches.items()}
            moved = {partition: max(end, locked[partition]) for partition, end in ends.items()}
            reached = {
                partition: Position(moved[partition], latest(records))
                for partition, records in batches.items()
            }
            await positions.advance(connection, self.consumer, reached)
        self.known.update(moved)
        if self.on_commit is not None:
            self.on_commit()
        if telemetry.collects():
            self._trace(new, since)
        for partition, records in batches.items():
            CONSUMED.labels(self.consumer, partition.topic).inc(len(records))
        for letter in letters:
            DEAD.labels(self.consumer, letter.reason).inc()
            log.error(
                "dead letter",
                topic=letter.record.topic,
                partition=letter.record.partition,
                offset=letter.record.offset,
                reason=letter.reason,
                trace_id=telemetry.trace_id(_traceparent(letter.record)),
            )
        return moved

    def _compare(self, stored: Mapping[TopicPartition, int]) -> None:
        """What lies between would never be taken in: this process has read on behind it."""
        back = sorted(each for each, offset in stored.items() if offset < self.known.get(each, 0))
        if back:
            raise DatabaseWentBack(
                f"{self.consumer}: {back[0].topic} {back[0].partition} and {len(back) - 1} more"
            )

    async def _forget(
        self, connection: Connection, taken_in: Sequence[Decoded], letters: Sequence[DeadLetter]
    ) -> None:
        """Dead letters, too, say nothing of what was erased; where some did, their topic does still."""
        late = bool(letters) and await silent_letters.come_late(connection, self.consumer, letters)
        if await silent_letters.follow(connection, taken_in) or late:
            await leftovers.note(connection)

    def _trace(self, taken: Sequence[Decoded], since: int) -> None:
        """A span for each record, in the trace of what it follows from."""
        for record, envelope, _ in taken:
            telemetry.past(
                f"process {record.topic}",
                envelope.traceparent,
                since,
                kind=SpanKind.CONSUMER,
                messaging__system="kafka",
                messaging__destination__name=record.topic,
                messaging__destination__partition__id=str(record.partition),
                messaging__kafka__offset=record.offset,
                messaging__consumer__group__name=self.consumer,
            )

    async def _publish(self, producer: AIOKafkaProducer, letters: Sequence[DeadLetter]) -> None:
        """To the dead-letter topic before the position passes: twice after a crash, but never not at all."""
        await kafka.send(producer, [dead_letters.record_of(self.dead_letters, letter) for letter in letters])


def _traceparent(record: Record) -> str | None:
    found = dict(record.headers).get("traceparent")
    return None if found is None else found.decode("ascii", "replace")


def _partition(record: Record) -> TopicPartition:
    return TopicPartition(record.topic, record.partition)
