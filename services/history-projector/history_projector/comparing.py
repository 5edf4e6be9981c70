"""All SQL that compares two generations, ticket by ticket, in the tables and columns that both have."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from relato_runtime.database import Connection

from history_projector import making

Kind = Literal["missing", "unexpected", "different", "moving"]
_INCIDENTAL = {("parked_tickets", "since")}
"""Columns that say when a generation came to something, and not what that is."""


class Part(NamedTuple):
    """A table that both generations have, with the columns that both have."""

    table: str
    columns: tuple[str, ...]
    key: tuple[str, ...]


class Finding(NamedTuple):
    """A row of a ticket that is not the same; or, ``moving``, a ticket that could not be compared."""

    ticket_id: str
    kind: Kind
    part: str | None = None
    key: Mapping[str, Any] | None = None
    columns: tuple[str, ...] = ()


Sums = Mapping[str, Mapping[str, str]]
"""For each ticket its checksum of each table in which it has rows."""


async def parts(connection: Connection, one: int, other: int) -> list[Part]:
    """What can be compared: of generations with different shapes, what they have in common."""
    rows = await connection.fetch(
        """
        SELECT here.table_name AS table,
            array_agg(here.column_name::text ORDER BY here.ordinal_position) AS columns,
            (
                SELECT array_agg(attname::text ORDER BY attnum) FROM pg_index JOIN pg_attribute
                    ON attrelid = indrelid AND attnum = ANY(indkey)
                WHERE indisprimary AND indrelid = format('%I.%I', $1::text, here.table_name)::regclass
            ) AS key
        FROM information_schema.columns AS here
        JOIN information_schema.columns AS there USING (table_name, column_name)
        WHERE here.table_schema = $1 AND there.table_schema = $2
        GROUP BY here.table_name HAVING bool_or(column_name = 'ticket_id') ORDER BY here.table_name
        """,
        making.schema(one),
        making.schema(other),
    )
    return [
        Part(
            row["table"],
            tuple(each for each in row["columns"] if (row["table"], each) not in _INCIDENTAL),
            tuple(row["key"]),
        )
        for row in rows
    ]


async def count(connection: Connection, one: int, other: int) -> int:
    """How many tickets two generations know."""
    number: int = await connection.fetchval(
        f"""
        SELECT count(*) FROM (
            SELECT ticket_id FROM {making.schema(one)}.tickets
            UNION SELECT ticket_id FROM {making.schema(other)}.tickets
        ) AS known
        """,  # noqa: S608  # schemas of ours
        timeout=600,
    )
    return number


async def following(connection: Connection, one: int, other: int, after: str, limit: int) -> list[str]:
    """The next tickets of either generation, in the order of their ids."""
    rows = await connection.fetch(
        f"""
        SELECT ticket_id FROM (
            (SELECT ticket_id FROM {making.schema(one)}.tickets WHERE ticket_id > $1 ORDER BY 1 LIMIT $2)
            UNION
            (SELECT ticket_id FROM {making.schema(other)}.tickets WHERE ticket_id > $1 ORDER BY 1 LIMIT $2)
        ) AS next ORDER BY ticket_id LIMIT $2
        """,  # noqa: S608  # schemas of ours
        after,
        limit,
    )
    return [row["ticket_id"] for row in rows]


async def sums(connection: Connection, number: int, shape: Sequence[Part], tickets: Sequence[str]) -> Sums:
    """Checksums of these tickets' rows, whatever their order."""
    each = (
        f"SELECT ticket_id, '{part.table}' AS part,"  # noqa: S608  # schemas and columns of ours
        f" count(*) || ' ' || sum(hashtextextended(ROW({', '.join(part.columns)})::text, 0)) AS sum"
        f" FROM {making.schema(number)}.{part.table} WHERE ticket_id = ANY($1::text[]) GROUP BY ticket_id"
        for part in shape
    )
    found: dict[str, dict[str, str]] = {}
    for row in await connection.fetch(" UNION ALL ".join(each), tickets):
        found.setdefault(row["ticket_id"], {})[row["part"]] = row["sum"]
    return found


async def positions(connection: Connection, number: int) -> dict[tuple[str, int], int]:
    """How far a generation is, by topic and partition."""
    rows = await connection.fetch(
        "SELECT topic, partition, next_offset FROM positions WHERE consumer = 'history/' || $1::int", number
    )
    return {(row["topic"], row["partition"]): row["next_offset"] for row in rows}


async def rows(connection: Connection, number: int, part: Part, ticket_id: str) -> list[dict[str, Any]]:
    """A ticket's rows in one table."""
    found = await connection.fetch(
        f"""
        SELECT to_jsonb(found)::text AS row FROM (
            SELECT {", ".join(part.columns)} FROM {making.schema(number)}.{part.table} WHERE ticket_id = $1
        ) AS found
        """,  # noqa: S608  # schemas and columns of ours
        ticket_id,
    )
    return [json.loads(each["row"]) for each in found]


def paired(
    ticket_id: str, part: Part, here: Sequence[Mapping[str, Any]], there: Sequence[Mapping[str, Any]]
) -> list[Finding]:
    """What differs between a ticket's rows ``here`` and those ``there``, which count as right."""
    mine, theirs = ({tuple(row[name] for name in part.key): row for row in side} for side in (here, there))
    findings = []
    for values in sorted(mine.keys() | theirs.keys(), key=repr):
        key = dict(zip(part.key, values, strict=True))
        if values not in mine:
            findings.append(Finding(ticket_id, "missing", part.table, key))
        elif values not in theirs:
            findings.append(Finding(ticket_id, "unexpected", part.table, key))
        elif differ := tuple(name for name in part.columns if mine[values][name] != theirs[values][name]):
            findings.append(Finding(ticket_id, "different", part.table, key, differ))
    return findings
