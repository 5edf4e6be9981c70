"""Topics into a database, exactly once: rows and the position that follows them commit together."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple, TypeVar

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord, TopicPartition
from prometheus_client import Counter, Gauge
from relato_contracts import topics as contract_topics
from relato_contracts.envelope import Envelope, Undecodable, decode, recorded_at
from relato_contracts.fields import Fact
from relato_contracts.topics import Topic

from relato_runtime import dead_letters, kafka, positions, tail
from relato_runtime.assignment import Assignment
from relato_runtime.database import Connection, Pool
from relato_runtime.positions import DeadLetter, Position, Record, latest
from relato_runtime.readiness import Readiness
from relato_runtime.settings import ServiceSettings

log = structlog.get_logger(__name__)

CONSUMED = Counter("relato_records_consumed", "Records taken in", ["consumer", "topic"])
DEAD = Counter("relato_dead_letters", "Records that could not be taken in", ["consumer", "reason"])
LAG = Gauge("relato_consumer_lag", "Records still to be taken in", ["consumer", "topic", "partition"])

_IDLE_MS = 1_000
_COMMIT_SECONDS = 1.0
_COMMIT_LIMIT_SECONDS = 15.0
_STALLED_SECONDS = 60.0
_AT_A_STRETCH = 100  # records decoded: one or two milliseconds
_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")

Decoded = tuple[Record, Envelope, Fact | None]
"""A record with what it says; no fact is a tombstone of a compacted topic."""

_Result = TypeVar("_Result")

Apply = Callable[[Connection, Sequence[Decoded]], Awaitable[Sequence[DeadLetter]]]
"""Writes what decoded records mean, inside the transaction that moves the positions.

Gets each partition's records in order and never twice; returns those that it could not take in.
"""

Broken = Callable[[Connection, Sequence[DeadLetter]], Awaitable[None]]
"""Told, inside the same transaction and before what can be decoded is applied, of records that cannot."""


class Polled(NamedTuple):
    """What one poll brought, and what it says."""

    records: Mapping[TopicPartition, Sequence[Record]]
    decoded: Sequence[Decoded]
    broken: Sequence[DeadLetter]


class Unreadable(Exception):
    """A record that the client cannot even read."""


class Stalled(Exception):
    """Records lie ready, and the client has not handed out any for a minute."""


class WentBack(Exception):
    """The client reads what it has handed out before: the topic no longer goes as far as that."""


class Consumer:
    """One member of a consumer group that writes to one database."""

    def __init__(
        self,
        settings: ServiceSettings,
        pool: Pool,
        *,
        name: str,
        service: str,
        topics: Sequence[Topic],
        apply: Apply,
        readiness: Readiness,
        part: str,
        broken: Broken | None = None,
        on_commit: Callable[[], None] | None = None,
        max_records: int = 2_000,
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._name = name
        self._service = service
        self._topics = {settings.topic_prefix + topic.name: topic for topic in topics}
        self._apply = apply
        self._broken = broken
        self._on_commit = on_commit
        self._readiness = readiness
        self._part = part
        self._max_records = max_records

    async def run(self) -> None:
        """Consume until cancelled; anything that goes wrong is raised, and a new run goes on from there."""
        assignment = Assignment()
        group = f"{self._settings.topic_prefix}relato.{self._name}"
        async with (
            kafka.producing(self._settings, limit=kafka.DEAD_LETTER_LIMIT_BYTES) as producer,
            kafka.subscribed(self._settings, list(self._topics), group, assignment) as consumer,
        ):
            await self._loop(consumer, producer, assignment)

    async def _loop(
        self, consumer: AIOKafkaConsumer, producer: AIOKafkaProducer, assignment: Assignment
    ) -> None:
        assignment.follow(consumer)
        clock = asyncio.get_running_loop().time
        told_at = progressed = clock()
        reached: dict[TopicPartition, int] = {}
        told: dict[TopicPartition, int] = {}
        handed_out: dict[TopicPartition, int] = {}
        ahead = Polled({}, (), ())
        while True:
            if assignment.fresh:
                begin = await self._seek(consumer, assignment)
                reached |= begin
                handed_out |= begin
            if assignment.known:
                self._readiness.has(self._part)
            else:
                self._readiness.lacks(self._part, "no partitions assigned yet")
            try:
                polled = ahead if ahead.records else await self._poll(consumer, handed_out, _IDLE_MS)
                if polled.records:
                    progressed = clock()
                    # While the database has its work with these, the next ones are decoded.
                    taken, next_ones = await asyncio.gather(
                        self._in_turn(assignment, producer, polled),
                        self._poll(consumer, handed_out, 0),
                        return_exceptions=True,
                    )
                    ahead = Polled({}, (), ())
                    reached |= _unless_failed(taken)
                    ahead = _unless_failed(next_ones)
            except Unreadable:
                async with assignment.working:
                    reached |= await self._pass_unreadable(consumer, producer, reached)
                handed_out |= reached
                continue
            if not polled.records and clock() - progressed > _STALLED_SECONDS and _behind(consumer, reached):
                raise Stalled(f"{self._name}: no records for {_STALLED_SECONDS:.0f} s though some lie ready")
            if reached != told and clock() - told_at > _COMMIT_SECONDS:
                if await self._tell_group(consumer, reached):
                    told = dict(reached)
                told_at = clock()
                self._measure(consumer, reached)

    async def _seek(self, consumer: AIOKafkaConsumer, assignment: Assignment) -> Mapping[TopicPartition, int]:
        """Begin where the database says, and return that; the group's offsets are for those who watch.

        Where the broker was put back, begin where it has been written anew.
        """
        partitions = frozenset(assignment.fresh)
        known = await positions.load(self._pool, self._name, partitions)
        beginnings = await asyncio.wait_for(
            consumer.beginning_offsets(list(partitions)), _COMMIT_LIMIT_SECONDS
        )
        standing = await asyncio.wait_for(tail.standing(consumer, known), _COMMIT_LIMIT_SECONDS)
        lowered = {each: at for each, at in standing.items() if at < known[each].next_offset}
        if lowered:
            log.warning(
                "the broker was put back: reading on from there",
                consumer=self._name,
                partitions={f"{each.topic} {each.partition}": at for each, at in lowered.items()},
            )
            await positions.lower(self._pool, self._name, lowered)
        if not partitions <= consumer.assignment():
            return {}  # another rebalance came meanwhile, and brings its own
        begin = {each: max(standing.get(each, 0), beginnings[each]) for each in partitions}
        for partition, offset in begin.items():
            consumer.seek(partition, offset)
        consumer.resume(*partitions)
        assignment.fresh.difference_update(partitions)
        return begin

    async def _pass_unreadable(
        self, consumer: AIOKafkaConsumer, producer: AIOKafkaProducer, reached: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, int]:
        """Take in what lies before a record that cannot even be read, put that down, and go on behind it."""
        passed: dict[TopicPartition, int] = {}
        for partition in sorted(consumer.assignment() & reached.keys()):
            # What the failed poll had already handed out is lost to it, and read once more.
            consumer.seek(partition, reached[partition])
            if not _lag(consumer, partition, reached):
                continue
            good: list[Record] = []
            try:
                while found := await consumer.getmany(partition, timeout_ms=_IDLE_MS, max_records=1):
                    good += found[partition]
                    if len(good) == self._max_records:
                        break
            except UnicodeDecodeError:
                offset = good[-1].offset + 1 if good else reached[partition]
                records = {partition: [*good, _unreadable(partition, offset)]}
                passed |= await self._take_in(producer, await self._decode(records))
                consumer.seek(partition, offset + 1)
            else:
                consumer.seek(partition, reached[partition])
        return passed

    async def _poll(
        self, consumer: AIOKafkaConsumer, handed_out: dict[TopicPartition, int], timeout_ms: int
    ) -> Polled:
        try:
            records = await consumer.getmany(timeout_ms=timeout_ms, max_records=self._max_records)
        except UnicodeDecodeError as error:
            # The client cannot read a header whose name is no text, and would fail on it for ever.
            raise Unreadable from error
        for partition, batch in records.items():
            # A topic that ends before the place to read on is read from its start by the client.
            if batch[0].offset < handed_out.get(partition, 0):
                raise WentBack(f"{partition.topic} {partition.partition} from {batch[0].offset}")
            handed_out[partition] = batch[-1].offset + 1
        return await self._decode(records)

    async def _in_turn(
        self, assignment: Assignment, producer: AIOKafkaProducer, polled: Polled
    ) -> dict[TopicPartition, int]:
        async with assignment.working:
            return await self._take_in(producer, polled)

    async def _take_in(self, producer: AIOKafkaProducer, polled: Polled) -> dict[TopicPartition, int]:
        """Everything from one poll in one transaction: returns where each partition reads on.

        Some of it may be of partitions that were taken away meanwhile: what another member has
        taken in by now lies below the positions, and is dropped.
        """
        batches, decoded, broken = polled
        if broken:
            await self._publish(producer, broken)
        async with self._pool.acquire() as connection, connection.transaction():
            locked = await positions.lock(connection, self._name, batches)
            new = [each for each in decoded if each[0].offset >= locked[_partition(each[0])]]
            letters = [each for each in broken if each.record.offset >= locked[_partition(each.record)]]
            if letters and self._broken is not None:
                await self._broken(connection, letters)
            refused = await self._apply(connection, new) if new else ()
            if refused:
                await self._publish(producer, refused)
                letters += refused
            if letters:
                await positions.park(connection, self._name, letters)
            ends = {partition: records[-1].offset + 1 for partition, records in batches.items()}
            moved = {partition: max(end, locked[partition]) for partition, end in ends.items()}
            reached = {
                partition: Position(moved[partition], latest(records))
                for partition, records in batches.items()
            }
            await positions.advance(connection, self._name, reached)
        if self._on_commit is not None:
            self._on_commit()
        for partition, records in batches.items():
            CONSUMED.labels(self._name, partition.topic).inc(len(records))
        for letter in letters:
            DEAD.labels(self._name, letter.reason).inc()
            log.error(
                "dead letter",
                topic=letter.record.topic,
                partition=letter.record.partition,
                offset=letter.record.offset,
                reason=letter.reason,
            )
        return moved

    async def _decode(self, batches: Mapping[TopicPartition, Sequence[Record]]) -> Polled:
        decoded: list[Decoded] = []
        broken: list[DeadLetter] = []
        for number, record in enumerate(chain.from_iterable(batches.values()), 1):
            try:
                decoded.append(self._read(record))
            except Undecodable as error:
                broken.append(DeadLetter(record, error.reason, str(error)))
            if number % _AT_A_STRETCH == 0:
                await asyncio.sleep(0)  # the transaction under way goes on
        return Polled(batches, decoded, broken)

    def _read(self, record: Record) -> Decoded:
        topic = self._topics[record.topic]
        if record.checksum == _UNREADABLE:
            raise Undecodable("unreadable", "a header's name is not UTF-8, so nothing of it can be read")
        if record.value is None:
            if not topic.compacted or record.key is None:
                raise Undecodable("invalid-data", "a record without value")
            if not _ID.fullmatch(record.key):
                raise Undecodable("invalid-data", "a tombstone whose key is no id")
            return record, Envelope(id="", source="", time=recorded_at(record.timestamp)), None
        envelope, fact = decode(record.key, record.value, record.headers, record.timestamp)
        if type(fact) not in topic.facts:
            raise Undecodable("unknown-type", f"{type(fact).__name__} does not belong on {topic.name}")
        return record, envelope, fact

    async def _publish(self, producer: AIOKafkaProducer, letters: Sequence[DeadLetter]) -> None:
        """To the dead-letter topic before the position passes: twice after a crash, but never not at all."""
        topic = self._settings.topic_prefix + contract_topics.dead_letters(self._service).name
        await kafka.send(producer, [dead_letters.record_of(topic, letter) for letter in letters])

    async def _tell_group(self, consumer: AIOKafkaConsumer, done: Mapping[TopicPartition, int]) -> bool:
        mine = {partition: offset for partition, offset in done.items() if partition in consumer.assignment()}
        try:
            if mine:
                # Without a limit a client that lost its coordinator may wait here for ever.
                await asyncio.wait_for(consumer.commit(mine), _COMMIT_LIMIT_SECONDS)
        except KafkaError as error:
            # Only those who watch the lag depend on it, and in a second it is tried again.
            log.info("offsets not committed", consumer=self._name, error=type(error).__name__)
            return False
        return True

    def _measure(self, consumer: AIOKafkaConsumer, reached: Mapping[TopicPartition, int]) -> None:
        for partition in consumer.assignment():
            behind = _lag(consumer, partition, reached)
            LAG.labels(self._name, partition.topic, partition.partition).set(behind)


def _unless_failed(result: _Result | BaseException) -> _Result:
    if isinstance(result, BaseException):
        raise result
    return result


def _behind(consumer: AIOKafkaConsumer, reached: Mapping[TopicPartition, int]) -> bool:
    return any(_lag(consumer, partition, reached) > 0 for partition in reached)


def _lag(consumer: AIOKafkaConsumer, partition: TopicPartition, reached: Mapping[TopicPartition, int]) -> int:
    highwater: int | None = consumer.highwater(partition)
    if highwater is None or partition not in reached:
        return 0
    return max(0, highwater - reached[partition])


_UNREADABLE = -1
"""Where a record's checksum stands: what stands in for one that the client cannot read."""


def _unreadable(partition: TopicPartition, offset: int) -> Record:
    return ConsumerRecord(
        *(partition.topic, partition.partition, offset, 0, 0, None, None, _UNREADABLE, -1, -1, ())
    )


def _partition(record: Record) -> TopicPartition:
    return TopicPartition(record.topic, record.partition)
