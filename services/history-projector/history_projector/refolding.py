"""What a verification has read about tickets, and the rows of the live generation: all SQL of it."""

import json
from collections.abc import Iterable, Sequence

from aiokafka.structs import ConsumerRecord
from relato_contracts.topics import TICKETS
from relato_runtime.database import Connection
from relato_runtime.jobs import NotOurs
from relato_runtime.positions import Record
from relato_runtime.walking import place_of

from history_projector import generations, making
from history_projector.consume import TICKET_ID
from history_projector.folded import PARTS, Rows

_LARGE_SECONDS = 600
_GONE = b""
"""In the place of a value that is not there: the ticket was removed. A record that has it says nothing."""

_COLUMNS = (
    "ticket_id", "topic", "partition", "record_offset", "record_timestamp", "value", "headers",
)  # fmt: skip


async def clear(connection: Connection) -> None:
    """Forget what was read."""
    await connection.execute("TRUNCATE folded_records")


async def keep(connection: Connection, records: Sequence[Record]) -> None:
    """Add those of these records that may say something of a ticket."""
    rows = [
        (
            *(record.key.decode(), record.topic, record.partition, record.offset, record.timestamp),
            *(
                record.value or _GONE,
                json.dumps([[name, (raw or b"").hex()] for name, raw in record.headers]),
            ),
        )
        for record in records
        if record.key is not None and TICKET_ID.fullmatch(record.key) and _says_something(record)
    ]
    await connection.copy_records_to_table("folded_records", records=rows, columns=_COLUMNS)


def _says_something(record: Record) -> bool:
    if record.value is None:
        return record.topic.endswith(TICKETS.name)
    return record.value != _GONE and all(raw is not None for _, raw in record.headers)


async def count(connection: Connection) -> int:
    """How many facts the live generation shows, as its tickets say: of streams all, of states the last."""
    schema = making.schema(await _live(connection))
    number: int = await connection.fetchval(
        f"SELECT coalesce(sum(last_version), 0)::bigint + count(title) FROM {schema}.tickets",  # noqa: S608  # schema of ours
        timeout=_LARGE_SECONDS,
    )
    return number


async def following(connection: Connection, after: str, limit: int) -> list[tuple[str, int]]:
    """The next tickets that are known, here or there, and how many records were read of each."""
    schema = making.schema(await _live(connection))
    rows = await connection.fetch(
        f"""
        SELECT ticket_id,
            (SELECT count(*) FROM folded_records WHERE folded_records.ticket_id = next.ticket_id)
        FROM (
            (SELECT DISTINCT ticket_id FROM folded_records WHERE ticket_id > $1 ORDER BY 1 LIMIT $2)
            UNION (
                SELECT ticket_id FROM {schema}.tickets WHERE ticket_id > $1 ORDER BY 1 LIMIT $2
            )
            ORDER BY 1 LIMIT $2
        ) AS next
        ORDER BY 1
        """,  # noqa: S608  # schema of ours
        after,
        limit,
        timeout=_LARGE_SECONDS,
    )
    return [(row["ticket_id"], row["count"]) for row in rows]


async def records(connection: Connection, tickets: Sequence[str]) -> list[Record]:
    """What was read of these tickets, in the order in which each partition has it."""
    rows = await connection.fetch(
        """
        SELECT * FROM folded_records WHERE ticket_id = ANY($1::text[])
        ORDER BY ticket_id, topic, partition, record_offset
        """,
        tickets,
    )
    return [
        ConsumerRecord(
            *(row["topic"], row["partition"], row["record_offset"], row["record_timestamp"], 0),
            *(row["ticket_id"].encode(), row["value"] or None, None, -1, -1),
            [(name, bytes.fromhex(raw)) for name, raw in json.loads(row["headers"])],
        )
        for row in rows
    ]


async def rows(connection: Connection, tickets: Iterable[str]) -> dict[str, Rows]:
    """By ticket what the live generation has."""
    listed = list(tickets)
    schema = making.schema(await _live(connection))
    found: dict[str, dict[str, list[object]]] = {each: {} for each in listed}
    for part in PARTS:
        columns = ", ".join(part.row._fields)
        for row in await connection.fetch(
            f"""
            SELECT {columns} FROM {schema}.{part.table} WHERE ticket_id = ANY($1::text[]) AND {part.only}
            """,  # noqa: S608  # names of ours
            listed,
        ):
            found[row["ticket_id"]].setdefault(part.table, []).append(part.row(*row))
    return dict(found)


async def taken_in(connection: Connection) -> dict[str, int]:
    """Before which offset of each place the live generation has taken in everything."""
    known = await connection.fetch(
        "SELECT topic, partition, next_offset FROM positions WHERE consumer = $1",
        generations.consumer(await _live(connection)),
    )
    return {place_of(row["topic"], row["partition"]): row["next_offset"] for row in known}


async def suspects(connection: Connection, job: int, after: str, limit: int) -> list[str]:
    """The next tickets with which something seemed to be wrong."""
    found = await connection.fetch(
        """
        SELECT DISTINCT ticket_id FROM job_findings WHERE job = $1 AND ticket_id > $2 ORDER BY 1 LIMIT $3
        """,
        *(job, after, limit),
    )
    return [row["ticket_id"] for row in found]


async def acquit(connection: Connection, job: int, tickets: Sequence[str]) -> None:
    """Forget what seemed to be wrong with tickets that are looked at anew."""
    await connection.execute(
        "DELETE FROM job_findings WHERE job = $1 AND ticket_id = ANY($2::text[])", job, tickets
    )


async def _live(connection: Connection) -> int:
    """The live generation, which has to have the tables that this program knows."""
    number = await generations.live(connection)
    if await generations.shape(connection, number) != generations.SHAPE:
        raise NotOurs(f"Generation {number} is live and of another shape: another program is to verify it.")
    return number
