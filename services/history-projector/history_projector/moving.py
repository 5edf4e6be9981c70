"""A topic that goes on under another name, as when it moves to more partitions: all SQL about that.

The history has what was copied there already. As with a rebuild, states of tickets before a boundary leave no
entries: copied ones may be older than what is known, and would tell changes that never were.
"""

from collections.abc import Mapping

import structlog
from aiokafka.structs import TopicPartition
from relato_contracts.topics import TICKETS
from relato_runtime.database import Connection, Pool
from relato_runtime.positions import columns
from relato_runtime.settings import KafkaSettings

from history_projector import ends, generations
from history_projector.consume import TOPICS

log = structlog.get_logger(__name__)


class NotMade(Exception):
    """The topics that are to be read now are not there yet."""


async def begin(settings: KafkaSettings, pool: Pool, generation: int) -> None:
    """Where a generation begins on topics of another name, note what it need not be told again."""
    names = [settings.topic_prefix + topic.name for topic in TOPICS]
    async with pool.acquire() as connection:
        if not await _moved(connection, generation, names):
            return
    spans = await ends.spans(settings)
    if lacking := set(names) - {each.topic for each in spans}:
        raise NotMade(f"there is no topic {', '.join(sorted(lacking))}")
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM generations WHERE generation = $1 FOR UPDATE", generation)
        if not await _moved(connection, generation, names):
            return  # another process was faster
        tickets = settings.topic_prefix + TICKETS.name
        await _bound(
            connection,
            generation,
            {each: end for each, (_, end) in spans.items() if each.topic == tickets and end},
        )
        await _leave(connection, generation, names, list(spans))
    log.warning("generation begins on other topics", generation=generation, topics=names)


async def _moved(connection: Connection, generation: int, names: list[str]) -> bool:
    """Whether it has positions on other topics, and none on these."""
    moved: bool = await connection.fetchval(
        """
        SELECT EXISTS (SELECT FROM positions WHERE consumer = $1)
            AND NOT EXISTS (SELECT FROM positions WHERE consumer = $1 AND topic = ANY($2::text[]))
        """,
        *(generations.consumer(generation), names),
    )
    return moved


async def _bound(connection: Connection, generation: int, known: Mapping[TopicPartition, int]) -> None:
    await connection.execute("DELETE FROM boundaries WHERE generation = $1", generation)
    await connection.execute(
        """
        INSERT INTO boundaries (generation, topic, partition, next_offset)
        SELECT $1, * FROM unnest($2::text[], $3::int[], $4::bigint[])
        """,
        *(generation, *columns(known), list(known.values())),
    )


async def _leave(
    connection: Connection, generation: int, names: list[str], partitions: list[TopicPartition]
) -> None:
    """Positions on topics that are not read any more would keep others from ever being level."""
    consumer = generations.consumer(generation)
    await connection.execute(
        "DELETE FROM positions WHERE consumer = $1 AND NOT topic = ANY($2::text[])", consumer, names
    )
    await connection.execute(
        """
        INSERT INTO positions (consumer, topic, partition, next_offset)
        SELECT $1, topic, partition, 0 FROM unnest($2::text[], $3::int[]) AS given (topic, partition)
        """,
        *(consumer, *columns(partitions)),
    )
