"""How far each consumer has come, kept with what it wrote: all SQL about positions and dead letters."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from aiokafka.structs import ConsumerRecord, TopicPartition

from relato_runtime.database import Connection, Pool

Record = ConsumerRecord[bytes | None, bytes | None]


class Position(NamedTuple):
    """Where a partition is read on, and what was known when that was written down."""

    next_offset: int
    witness: int | None
    """Kafka's time (Unix, milliseconds) of the latest record before it; None when there was none."""


def latest(records: Sequence[Record]) -> int | None:
    """The witness that records are; what they say of times before 1970 is no time."""
    time = max(record.timestamp for record in records)
    return time if time >= 0 else None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that could not be taken in, why in a code, and why in words."""

    record: Record
    reason: str
    error: str


async def load(
    pool: Pool, consumer: str, partitions: Iterable[TopicPartition]
) -> Mapping[TopicPartition, Position]:
    """The position of each partition that has one; the others begin at the start."""
    rows = await pool.fetch(
        """
        SELECT topic, partition, next_offset, witness FROM positions
        WHERE consumer = $1 AND (topic, partition) IN (SELECT * FROM unnest($2::text[], $3::int[]))
        """,
        consumer,
        *columns(partitions),
    )
    return {
        TopicPartition(row["topic"], row["partition"]): Position(row["next_offset"], row["witness"])
        for row in rows
    }


async def lock(
    connection: Connection, consumer: str, partitions: Iterable[TopicPartition]
) -> Mapping[TopicPartition, int]:
    """Lock these positions until the transaction ends, and say where each stands.

    Whoever else consumes the same partition (a zombie after a rebalance) waits here, then sees
    what was written, and drops what lies below it.
    """
    names = columns(sorted(partitions))
    await connection.execute(
        """
        INSERT INTO positions (consumer, topic, partition, next_offset)
        SELECT $1, topic, partition, 0 FROM unnest($2::text[], $3::int[]) AS given (topic, partition)
        ON CONFLICT DO NOTHING
        """,
        consumer,
        *names,
    )
    rows = await connection.fetch(
        """
        SELECT topic, partition, next_offset FROM positions
        WHERE consumer = $1 AND (topic, partition) IN (SELECT * FROM unnest($2::text[], $3::int[]))
        ORDER BY topic, partition FOR UPDATE
        """,
        consumer,
        *names,
    )
    return {TopicPartition(row["topic"], row["partition"]): row["next_offset"] for row in rows}


async def advance(connection: Connection, consumer: str, reached: Mapping[TopicPartition, Position]) -> None:
    """Move locked positions to where the consumer reads on."""
    await connection.execute(
        """
        UPDATE positions
        SET next_offset = given.next_offset, witness = greatest(positions.witness, given.witness)
        FROM unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[])
            AS given (topic, partition, next_offset, witness)
        WHERE consumer = $1 AND positions.topic = given.topic AND positions.partition = given.partition
        """,
        consumer,
        *columns(reached),
        [each.next_offset for each in reached.values()],
        [each.witness for each in reached.values()],
    )


async def lower(pool: Pool, consumer: str, next_offsets: Mapping[TopicPartition, int]) -> None:
    """Go back to where the broker's backup was: what followed has been written anew."""
    await pool.execute(
        """
        UPDATE positions SET next_offset = given.next_offset
        FROM unnest($2::text[], $3::int[], $4::bigint[]) AS given (topic, partition, next_offset)
        WHERE consumer = $1 AND positions.topic = given.topic AND positions.partition = given.partition
            AND positions.next_offset > given.next_offset
        """,
        consumer,
        *columns(next_offsets),
        list(next_offsets.values()),
    )


async def park(connection: Connection, consumer: str, letters: Sequence[DeadLetter]) -> None:
    """Keep what could not be taken in; a record that is there already stays as it is."""
    await connection.executemany(
        """
        INSERT INTO dead_letters
            (consumer, topic, partition, record_offset, key, value, headers, reason, error, record_timestamp)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (consumer, topic, partition, record_offset) DO NOTHING
        """,
        [
            (
                consumer,
                letter.record.topic,
                letter.record.partition,
                letter.record.offset,
                letter.record.key,
                letter.record.value,
                json.dumps(
                    [[name, None if raw is None else raw.hex()] for name, raw in letter.record.headers]
                ),
                letter.reason,
                letter.error.replace("\0", "�"),
                letter.record.timestamp,
            )
            for letter in letters
        ],
    )


def columns(partitions: Iterable[TopicPartition]) -> tuple[list[str], list[int]]:
    """Partitions as two arrays, topics and numbers, for statements that take them so."""
    listed = list(partitions)
    return [each.topic for each in listed], [each.partition for each in listed]
