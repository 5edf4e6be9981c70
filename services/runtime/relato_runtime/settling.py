"""Dead letters that are taken in after all, or given up: all SQL about that."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from aiokafka.structs import ConsumerRecord, TopicPartition
from asyncpg import Record as Row

from relato_runtime.database import Connection
from relato_runtime.decoded import unreadable
from relato_runtime.letters import MEANT, Selection, State, headers
from relato_runtime.positions import Record


class Parked(NamedTuple):
    """A dead letter that can be tried again."""

    number: int
    consumer: str
    state: State
    record: Record

    @property
    def id(self) -> str:
        """As operators name it."""
        return f"{self.consumer}-{self.number}"

    @property
    def partition(self) -> TopicPartition:
        """Where it came from."""
        return TopicPartition(self.record.topic, self.record.partition)


async def chosen(
    connection: Connection, which: Selection, limit: int, after: int | None = None
) -> tuple[list[Parked], int]:
    """Those that are meant with what was in them, as each partition had them, and how many more there are.

    Of those behind one alone, if it is given.
    """
    rows = await connection.fetch(
        f"""
        SELECT *, count(*) OVER () AS number FROM dead_letters WHERE {MEANT} AND {_BEHIND}
        ORDER BY consumer, topic, partition, record_offset LIMIT $6
        """,  # noqa: S608  # conditions of ours
        *(*which, after, limit),
    )
    found = [Parked(row["id"], row["consumer"], row["state"], _record(row)) for row in rows]
    return found, (rows[0]["number"] - len(rows) if rows else 0)


async def passed(connection: Connection, which: Selection, after: int) -> set[int]:
    """Those of them that are not behind one, by their numbers."""
    rows = await connection.fetch(
        f"SELECT id FROM dead_letters WHERE {MEANT} AND NOT {_BEHIND}",  # noqa: S608  # conditions of ours
        *(*which, after),
    )
    return {row["id"] for row in rows}


_BEHIND = """
    ($5::bigint IS NULL OR (consumer, topic, partition, record_offset) > (
        SELECT consumer, topic, partition, record_offset FROM dead_letters WHERE id = $5
    ))
"""


async def hold(connection: Connection, letter: Parked) -> bool:
    """Keep others from settling a dead letter until the transaction ends; whether it is parked still."""
    state: State | None = await connection.fetchval(
        "SELECT state FROM dead_letters WHERE id = $1 FOR UPDATE", letter.number
    )
    return state == "parked"


async def ahead(connection: Connection, letter: Parked, settled: Collection[int]) -> str | None:
    """The dead letter of the same key that comes before, other than those that count as settled."""
    number: int | None = await connection.fetchval(
        """
        SELECT id FROM dead_letters
        WHERE consumer = $1 AND topic = $2 AND partition = $3 AND record_offset < $4 AND key = $5
            AND state = 'parked' AND NOT id = ANY($6::bigint[])
        ORDER BY record_offset LIMIT 1
        """,
        *(letter.consumer, *letter.partition, letter.record.offset, letter.record.key, list(settled)),
    )
    return None if number is None else f"{letter.consumer}-{number}"


async def taken_in(connection: Connection, letter: Parked, offsets: Sequence[int]) -> set[int]:
    """Those of these offsets of its partition that are no dead letters themselves."""
    rows = await connection.fetch(
        """
        SELECT place FROM unnest($4::bigint[]) AS given (place)
        WHERE NOT EXISTS (
            SELECT FROM dead_letters
            WHERE consumer = $1 AND topic = $2 AND partition = $3 AND record_offset = place
                AND state <> 'retried'
        )
        """,
        *(letter.consumer, *letter.partition, list(offsets)),
    )
    return {row["place"] for row in rows}


async def settle(connection: Connection, letter: Parked, state: State, name: str, why: str) -> None:
    """It was taken in after all, or given up."""
    await connection.execute(
        """
        UPDATE dead_letters
        SET state = $2, settled_at = clock_timestamp(), settled_by = $3, settled_why = $4 WHERE id = $1
        """,
        *(letter.number, state, name, why),
    )


async def failed(connection: Connection, letter: Parked, reason: str, error: str) -> None:
    """It was tried in vain, maybe for another reason than before."""
    await connection.execute(
        """
        UPDATE dead_letters SET reason = $2, error = $3, tries = tries + 1, tried_at = clock_timestamp()
        WHERE id = $1
        """,
        *(letter.number, reason, error.replace("\0", "\N{REPLACEMENT CHARACTER}")),
    )


def _record(row: Row) -> Record:
    if row["reason"] == "unreadable":
        return unreadable(TopicPartition(row["topic"], row["partition"]), row["record_offset"])
    key, value = row["key"], row["value"]
    return ConsumerRecord(
        *(row["topic"], row["partition"], row["record_offset"], row["record_timestamp"], 0, key, value, None),
        *(-1 if key is None else len(key), -1 if value is None else len(value), tuple(headers(row))),
    )
