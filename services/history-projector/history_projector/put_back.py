"""Histories that were put back from a backup, or lie on a server that took over: level before they are read.

What they show may have been withdrawn or erased since. Whoever reads them asks ``incarnation.required``.
"""

import asyncio
import time
from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path

import structlog
from aiokafka.structs import TopicPartition
from relato_runtime import erased, erasures_file, incarnation, tail
from relato_runtime.database import Connection, Pool
from relato_runtime.readiness import Readiness
from relato_runtime.settings import KafkaSettings

from history_projector import consume, generations, reference
from history_projector.settings import ProjectorSettings

log = structlog.get_logger(__name__)

Ends = Mapping[TopicPartition, int]
"""Behind the last record of each partition; the end of a transaction after it is nothing to take in."""

_LOOK_SECONDS = 0.5
_ASK_AGAIN_SECONDS = 30.0  # of what was cut off its topic meanwhile, no consumer takes anything in


async def see_to(settings: ProjectorSettings, pool: Pool, readiness: Readiness, part: str) -> None:
    """Let histories be read once they have all that was told when they were found to be a copy; a loop."""
    there: Ends | None = None
    asked = 0.0
    while True:
        async with pool.acquire() as connection:
            if not await incarnation.compared(connection):
                await _compare(connection, settings.erasures_file)
            known = await incarnation.known(connection)
            if known == "other" and there is not None and await level(settings, connection, there):
                await incarnation.remember(connection)
                log.warning("histories are level, and read again")
        if known != "other":
            there = None
        elif there is None or time.monotonic() - asked > _ASK_AGAIN_SECONDS:
            log.warning("histories were put back: nobody reads them until they are level")
            await _remember(pool, settings.erasures_file)
            there, asked = await ends(settings), time.monotonic()
        readiness.has(part)
        await asyncio.sleep(_LOOK_SECONDS)


async def _compare(connection: Connection, path: Path | None) -> None:
    """Disks that were put back whole, the broker's too, do not know who was erased since: the file does."""
    everybody = erasures_file.read(path)
    async with connection.transaction():
        if await erased.unknown(connection, everybody):
            log.warning("histories do not know of everybody who was erased")
            await incarnation.doubt(connection)
        elif await incarnation.known(connection) == "none":  # new, or made by a release that did not ask
            await incarnation.remember(connection)
        await incarnation.has_been_compared(connection)


async def _remember(pool: Pool, path: Path | None) -> None:
    """Who was erased: a broker that was put back too says so only once notes has erased them again."""
    async with pool.acquire() as connection:
        for person_id, erased_at in erasures_file.read(path).items():
            await erased.remember(connection, person_id, erased_at)


async def ends(settings: KafkaSettings) -> Ends:
    """All that there is to be taken in."""
    found: dict[TopicPartition, int] = {}
    async with tail.reading(settings, *consume.TOPICS, *reference.TOPICS) as reader:
        for partition, end in (await reader.consumer.end_offsets(reader.partitions)).items():
            async with aclosing(reader.before(partition, end)) as batches:
                async for batch in batches:
                    if batch:
                        found[partition] = batch[-1].offset + 1
                        break
    return found


async def level(settings: KafkaSettings, connection: Connection, there: Ends) -> bool:
    """Whether the live generation and the reference data have all that, and nobody is to be erased."""
    reads = {
        generations.consumer(await generations.live(connection)): consume.TOPICS,
        reference.CONSUMER: reference.TOPICS,
    }
    rows = await connection.fetch("SELECT consumer, topic, partition, next_offset FROM positions")
    reached = {
        (row["consumer"], TopicPartition(row["topic"], row["partition"])): row["next_offset"] for row in rows
    }
    return await erased.pending(connection) is None and all(
        reached.get((consumer, partition), 0) >= end
        for consumer, topics in reads.items()
        for partition, end in there.items()
        if partition.topic in {settings.topic_prefix + topic.name for topic in topics}
    )
