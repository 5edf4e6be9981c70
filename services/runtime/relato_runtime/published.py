"""How far Kafka has acknowledged a topic of our own: kept with the outbox, and all SQL about it."""

from collections.abc import Iterable, Mapping

from aiokafka.structs import RecordMetadata, TopicPartition

from relato_runtime.database import Connection
from relato_runtime.positions import Position, columns


class WentBack(Exception):
    """Kafka acknowledges offsets that it had given out before: a backup of it was put back."""


class Acknowledged:
    """What Kafka has acknowledged to one producer, which only ever grows."""

    def __init__(self) -> None:
        self._reached: dict[TopicPartition, int] = {}

    def take(self, acknowledged: Iterable[RecordMetadata]) -> dict[TopicPartition, Position]:
        """How far each partition has come with these; raises ``WentBack``."""
        latest: dict[TopicPartition, Position] = {}
        for each in acknowledged:
            before = latest.get(each.topic_partition, Position(0, None))
            witness = max(each.timestamp or 0, before.witness or 0)
            latest[each.topic_partition] = Position(max(each.offset + 1, before.next_offset), witness)
        for partition, position in latest.items():
            if position.next_offset <= self._reached.get(partition, 0):
                raise WentBack(f"{partition.topic} {partition.partition} went back to {position.next_offset}")
            self._reached[partition] = position.next_offset
        return latest


async def load(
    connection: Connection, partitions: Iterable[TopicPartition]
) -> dict[TopicPartition, Position]:
    """How far each partition was; one of which nothing is known was at its start."""
    given = list(partitions)
    rows = await connection.fetch(
        """
        SELECT topic, partition, next_offset, witness FROM published
        WHERE (topic, partition) IN (SELECT * FROM unnest($1::text[], $2::int[]))
        """,
        *columns(given),
    )
    known = {
        TopicPartition(row["topic"], row["partition"]): Position(row["next_offset"], row["witness"])
        for row in rows
    }
    return {each: known.get(each, Position(0, None)) for each in given}


ADVANCE = """
    INSERT INTO published AS before (topic, partition, next_offset, witness)
    SELECT topic, partition, next_offset, witness
    FROM unnest({}::text[], {}::int[], {}::bigint[], {}::bigint[])
        AS given (topic, partition, next_offset, witness)
    {}
    ON CONFLICT (topic, partition) DO UPDATE SET
        next_offset = greatest(before.next_offset, excluded.next_offset),
        witness = greatest(before.witness, excluded.witness)
"""
"""For statements that do more: the numbers of four parameters (see ``arrays``), and a condition."""


def arrays(positions: Mapping[TopicPartition, Position]) -> tuple[list[object], ...]:
    """Positions as the parameters of ``ADVANCE``."""
    topics, partitions = columns(positions)
    return (
        list(topics),
        list(partitions),
        [each.next_offset for each in positions.values()],
        [each.witness for each in positions.values()],
    )


async def advance(connection: Connection, positions: Mapping[TopicPartition, Position]) -> None:
    """Keep how far partitions have come."""
    await connection.execute(ADVANCE.format("$1", "$2", "$3", "$4", ""), *arrays(positions))


async def lower(connection: Connection, next_offsets: Mapping[TopicPartition, int]) -> None:
    """Go back to where Kafka's backup was; what followed is to be published again."""
    await connection.execute(
        """
        UPDATE published SET next_offset = given.next_offset
        FROM unnest($1::text[], $2::int[], $3::bigint[]) AS given (topic, partition, next_offset)
        WHERE published.topic = given.topic AND published.partition = given.partition
        """,
        *columns(next_offsets),
        list(next_offsets.values()),
    )
