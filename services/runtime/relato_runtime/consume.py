"""Topics into a database, exactly once: rows and the position that follows them commit together."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition
from relato_contracts import topics as contract_topics
from relato_contracts.topics import Topic

from relato_runtime import kafka, lag, positions, subscribing, tail
from relato_runtime.assignment import Assignment
from relato_runtime.database import Pool
from relato_runtime.decoded import Polled, polled, unreadable
from relato_runtime.intake import Apply, Broken, Intake
from relato_runtime.positions import Record
from relato_runtime.readiness import Readiness
from relato_runtime.settings import ServiceSettings
from relato_runtime.taking import Taking

log = structlog.get_logger(__name__)

_IDLE_MS = 1_000
_LOOK_SECONDS = 0.002
_COMMIT_SECONDS = 1.0
_POSITIONS_SECONDS = 5.0
_COMMIT_LIMIT_SECONDS = 15.0
_STALLED_SECONDS = 60.0

_Result = TypeVar("_Result")


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
        self._topics = {settings.topic_prefix + topic.name: topic for topic in topics}
        self._intake = Intake(
            pool=pool,
            consumer=name,
            dead_letters=settings.topic_prefix + contract_topics.dead_letters(service).name,
            apply=apply,
            broken=broken,
            on_commit=on_commit,
        )
        self._readiness = readiness
        self._part = part
        self._max_records = max_records

    @property
    def taking(self) -> Taking:
        """How a record of its topics is taken in by hand, as operators have it done."""
        return Taking(self._settings, self._pool, self._name, self._topics, self._intake.apply)

    async def run(self) -> None:
        """Consume until cancelled; anything that goes wrong is raised, and a new run goes on from there."""
        assignment = Assignment()
        self._intake.known.clear()
        group = f"{self._settings.topic_prefix}relato.{self._name}"
        async with (
            kafka.producing(self._settings, limit=kafka.DEAD_LETTER_LIMIT_BYTES) as producer,
            subscribing.subscribed(self._settings, list(self._topics), group, assignment) as consumer,
        ):
            reached: dict[TopicPartition, int] = {}
            measuring = asyncio.create_task(lag.measure(consumer, self._name, reached))
            try:
                await self._loop(consumer, producer, assignment, reached)
            finally:
                measuring.cancel()

    async def _loop(
        self,
        consumer: AIOKafkaConsumer,
        producer: AIOKafkaProducer,
        assignment: Assignment,
        reached: dict[TopicPartition, int],
    ) -> None:
        assignment.follow(consumer)
        clock = asyncio.get_running_loop().time
        told_at = looked_at = progressed = clock()
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
                arrived = ahead if ahead.records else await self._poll(consumer, handed_out, _IDLE_MS)
                if arrived.records:
                    progressed = clock()
                    # While the database has its work with these, the next ones are decoded.
                    taking = asyncio.ensure_future(self._in_turn(assignment, producer, arrived))
                    taken, next_ones = await asyncio.gather(
                        taking, self._meanwhile(consumer, handed_out, taking), return_exceptions=True
                    )
                    ahead = Polled({}, (), ())
                    reached |= _unless_failed(taken)
                    ahead = _unless_failed(next_ones)
            except Unreadable:
                async with assignment.working:
                    reached |= await self._pass_unreadable(consumer, producer, reached)
                handed_out |= reached
                continue
            if not arrived.records:
                passed = await _passed(consumer, reached, handed_out)
                reached |= passed
                handed_out |= passed
            # Also while records come: of a partition that has none nothing else would tell.
            if clock() - looked_at > _POSITIONS_SECONDS:
                await self._intake.look()
                looked_at = clock()
            if not arrived.records and clock() - progressed > _STALLED_SECONDS and _behind(consumer, reached):
                raise Stalled(f"{self._name}: no records for {_STALLED_SECONDS:.0f} s though some lie ready")
            if reached != told and clock() - told_at > _COMMIT_SECONDS:
                if await self._tell_group(consumer, reached):
                    told = dict(reached)
                told_at = clock()

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
        self._intake.known.update({each: standing.get(each, 0) for each in partitions})
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
                records = {partition: [*good, unreadable(partition, offset)]}
                passed |= await self._intake.take(producer, await polled(self._topics, records))
                consumer.seek(partition, offset + 1)
            else:
                consumer.seek(partition, reached[partition])
        return passed

    async def _meanwhile(
        self,
        consumer: AIOKafkaConsumer,
        handed_out: dict[TopicPartition, int],
        taking: asyncio.Future[dict[TopicPartition, int]],
    ) -> Polled:
        """All that comes while earlier records are taken in, so that it shares the next transaction.

        The client asks the broker for more once it has handed out what it has. Looked at once, it would
        find what comes after that only while those records are taken in, for the transaction after the next.
        """
        came = await self._poll(consumer, handed_out, 0)
        while not taking.done() and (room := self._max_records - came.size) > 0:
            await asyncio.wait({taking}, timeout=_LOOK_SECONDS)
            came = came.then(await self._poll(consumer, handed_out, 0, room))
        return came

    async def _poll(
        self,
        consumer: AIOKafkaConsumer,
        handed_out: dict[TopicPartition, int],
        timeout_ms: int,
        room: int | None = None,
    ) -> Polled:
        try:
            records = await consumer.getmany(timeout_ms=timeout_ms, max_records=room or self._max_records)
        except UnicodeDecodeError as error:
            # The client cannot read a header whose name is no text, and would fail on it for ever.
            raise Unreadable from error
        for partition, batch in records.items():
            # A topic that ends before the place to read on is read from its start by the client.
            if batch[0].offset < handed_out.get(partition, 0):
                raise WentBack(f"{partition.topic} {partition.partition} from {batch[0].offset}")
            handed_out[partition] = batch[-1].offset + 1
        return await polled(self._topics, records)

    async def _in_turn(
        self, assignment: Assignment, producer: AIOKafkaProducer, arrived: Polled
    ) -> dict[TopicPartition, int]:
        async with assignment.working:
            return await self._intake.take(producer, arrived)

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


def _unless_failed(result: _Result | BaseException) -> _Result:
    if isinstance(result, BaseException):
        raise result
    return result


async def _passed(
    consumer: AIOKafkaConsumer,
    reached: Mapping[TopicPartition, int],
    handed_out: Mapping[TopicPartition, int],
) -> dict[TopicPartition, int]:
    """Partitions of which all was taken in, and the client stands behind what is no record.

    That is how a transaction ended, what was called off with one, or what compaction left of a batch.
    The database keeps the place behind the last record: no witness tells how late these are.
    """
    passed: dict[TopicPartition, int] = {}
    for each in reached.keys() & handed_out.keys() & consumer.assignment():
        # Asking for one position may let a rebalance take the next partition away.
        if handed_out[each] == reached[each] and each in consumer.assignment():
            position: int = await consumer.position(each)
            if position > reached[each]:
                passed[each] = position
    return passed


def _behind(consumer: AIOKafkaConsumer, reached: Mapping[TopicPartition, int]) -> bool:
    # Of partitions that another process has by now the client knows nothing any more.
    return any(_lag(consumer, each, reached) > 0 for each in reached.keys() & consumer.assignment())


def _lag(consumer: AIOKafkaConsumer, partition: TopicPartition, reached: Mapping[TopicPartition, int]) -> int:
    highwater: int | None = consumer.highwater(partition)
    if highwater is None or partition not in reached:
        return 0
    return max(0, highwater - reached[partition])
