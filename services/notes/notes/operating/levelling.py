"""The log and its topic brought level, whichever of the two was put back from a backup."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack

import asyncpg
import structlog
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.structs import TopicPartition
from prometheus_client import Counter
from relato_contracts.notes import NoteEvent, TextErased
from relato_contracts.topics import NOTES
from relato_runtime import erased, incarnation, published, tail
from relato_runtime.database import Connection
from relato_runtime.positions import Position, Record, latest
from relato_runtime.settings import ServiceSettings
from relato_runtime.tail import Reader

from notes.operating import accepted, restored
from notes.operating.adopt import Arrival, Diverged, adopt, ours
from notes.privacy import anew

log = structlog.get_logger(__name__)

ADOPTED = Counter("relato_adopted_events", "Events that the log lacked and Kafka had")
REPUBLISHED = Counter("relato_republished_events", "Events published again since Kafka may have lost them")
DIVERGED = Counter("relato_diverged_events", "Events of Kafka that contradict the log")

_PATIENCE_SECONDS = 5.0
_OUT_OF_ORDER = 100_000
"""By how many places events may have been published in another order than that of the log.

Places are drawn before the commit. Transactions last a minute at most, in which no more are drawn.
"""


async def before_commands(settings: ServiceSettings) -> None:
    """Bring the log level before it grows, so that no version is given out twice.

    Where nothing was put back, Kafka is not waited for long: the log lacks nothing then.
    """
    connection = await asyncpg.connect(
        settings.database_url.get_secret_value(), timeout=5, command_timeout=10
    )
    try:
        same = await incarnation.known(connection) == "same"
        try:
            await level(settings, connection, _PATIENCE_SECONDS if same else None)
        except (KafkaError, OSError, TimeoutError):
            # What was found may be half done; then it is in doubt, and has to be waited for.
            if await incarnation.known(connection) != "same":
                raise
            log.warning("commands are accepted although Kafka is away: nothing was put back")
    finally:
        await connection.close(timeout=2)


async def level(
    settings: ServiceSettings, connection: Connection, patience: float | None = None
) -> list[Diverged]:
    """Adopt what Kafka has beyond the log, and put back into the outbox what Kafka has lost.

    Returns what contradicts the log, which stays as it is. ``patience`` (seconds) is for reaching Kafka.
    """
    async with AsyncExitStack() as stack:
        async with asyncio.timeout(patience):
            reader = await stack.enter_async_context(tail.reading(settings, NOTES))
            ends = await reader.consumer.end_offsets(reader.partitions)
        await stack.enter_async_context(incarnation.alone(connection))
        stored = await published.load(connection, reader.partitions)
        begins = await tail.standing(reader.consumer, stored)
        lowered = {each: begins[each] for each in begins if begins[each] < stored[each].next_offset}
        if lowered:
            await _publish_again(connection, reader, lowered)
        adopted, diverged = 0, []
        for partition in reader.partitions:
            number, contradicting = await _adopt(
                connection, reader, partition, begins[partition], ends[partition]
            )
            adopted += number
            diverged += contradicting
        if adopted:
            log.warning("the log was put back: events of Kafka adopted", number=adopted)
        await incarnation.remember(connection)
        return diverged


async def _adopt(
    connection: Connection, reader: Reader, partition: TopicPartition, begin: int, end: int
) -> tuple[int, list[Diverged]]:
    """What a partition has beyond the log, in transactions of some hundred records."""
    adopted = 0
    diverged: list[Diverged] = []
    async for records in reader.records(partition, begin, end):
        if not (arrivals := ours(records)):
            continue
        async with connection.transaction():
            number, contradicting = await adopt(connection, arrivals)
            # What somebody has accepted as it is contradicts the log no longer.
            known = await accepted.known(connection, [each.record for each in contradicting])
            diverged += [
                _diverged(each)
                for each in contradicting
                if (each.record.partition, each.record.offset) not in known
            ]
            if number:
                await incarnation.doubt(connection)
                if any(_by_rule(each.fact) for each in arrivals):
                    await anew.rewrite_by_rule(connection)
            if not diverged:  # what contradicts the log is to be found again, until somebody has decided
                await published.advance(connection, {partition: _behind(records)})
        adopted += number
        ADOPTED.inc(number)
    return adopted, diverged


def _by_rule(fact: NoteEvent) -> bool:
    return isinstance(fact, TextErased) and fact.cause == "retention"


def _behind(records: list[Record]) -> Position:
    return Position(records[-1].offset + 1, latest(records))


def _diverged(arrival: Arrival) -> Diverged:
    record = arrival.record
    where = f"{record.topic} {record.partition} {record.offset}"
    DIVERGED.inc()
    log.error(
        "log and topic have diverged", ticket_id=arrival.fact.ticket_id, version=arrival.version, at=where
    )
    return Diverged(f"version {arrival.version} of ticket {arrival.fact.ticket_id} is another at {where}")


async def _publish_again(
    connection: Connection, reader: Reader, lowered: Mapping[TopicPartition, int]
) -> None:
    """Everything that a partition may have lost; what it has not lost, consumers drop."""
    after = {
        partition.partition: await _last_known(connection, reader, partition, end)
        for partition, end in lowered.items()
    }
    every = sorted(each.partition for each in reader.partitions)
    place = DefaultPartitioner()
    where = {
        ticket_id: place(ticket_id.encode(), every, every) for ticket_id in await restored.tickets(connection)
    }
    async with connection.transaction():
        number = await restored.publish_again(
            connection,
            {ticket_id: after[partition] for ticket_id, partition in where.items() if partition in after},
        )
        await published.lower(connection, lowered)
        await erased.again(connection)
        await anew.rewrite_again(connection)
    REPUBLISHED.inc(number)
    log.warning(
        "the broker was put back: events are published again",
        number=number,
        partitions={each.partition: offset for each, offset in lowered.items()},
    )


async def _last_known(connection: Connection, reader: Reader, partition: TopicPartition, end: int) -> int:
    """Behind which place in the log events may be missing before this end of a partition."""
    async for records in reader.before(partition, end):
        seq = await restored.latest(connection, [each.event_id for each in ours(records)])
        if seq is not None:
            return seq - _OUT_OF_ORDER
    return 0
