"""Dead letters as operators see them: all SQL about that."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from asyncpg import Record as Row
from pydantic import BaseModel, ConfigDict

from relato_runtime.database import Connection

State = Literal["parked", "retried", "discarded"]


class DeadLetter(BaseModel):
    """A record that a consumer could not take in."""

    model_config = ConfigDict(frozen=True)

    id: str
    """Consumer and number: unique over all services."""
    consumer: str
    topic: str
    partition: int
    offset: int
    key: str | None
    reason: str
    error: str
    state: State
    at: datetime
    tries: int
    """How often it was tried again in vain."""
    settled_at: datetime | None
    settled_by: str | None
    settled_why: str | None


class WholeDeadLetter(DeadLetter):
    """One of them with what is in it; bytes that are no text are in base64."""

    headers: list[tuple[str, str | None]]
    data: Any
    """The value as JSON, where it is."""
    value: str | None
    value_base64: str | None


class Selection(NamedTuple):
    """Which dead letters are meant: those with these ids, and of these what else is given."""

    ids: Sequence[str] | None = None
    because: str | None = None
    consumer: str | None = None
    state: State | None = None


async def listing(connection: Connection, which: Selection, limit: int, after: int = 0) -> list[DeadLetter]:
    """Those that are meant, oldest first, behind a number."""
    rows = await connection.fetch(
        f"SELECT * FROM dead_letters WHERE {MEANT} AND id > $5 ORDER BY id LIMIT $6",  # noqa: S608  # constants
        *(*which, after, limit),
    )
    return [DeadLetter(**_letter(row)) for row in rows]


async def numbers(connection: Connection, which: Selection) -> Mapping[tuple[str, str, State], int]:
    """How many there are, by consumer, reason and state."""
    rows = await connection.fetch(
        f"SELECT consumer, reason, state, count(*) AS number FROM dead_letters WHERE {MEANT}"  # noqa: S608
        " GROUP BY consumer, reason, state ORDER BY consumer, reason, state",
        *which,
    )
    return {(row["consumer"], row["reason"], row["state"]): row["number"] for row in rows}


async def one(connection: Connection, consumer: str, number: int) -> WholeDeadLetter | None:
    """The one with that number, if it is that consumer's."""
    row = await connection.fetchrow(
        "SELECT * FROM dead_letters WHERE id = $1 AND consumer = $2", number, consumer
    )
    if row is None:
        return None
    value: bytes | None = row["value"]
    text = None if value is None else _text(value)
    return WholeDeadLetter(
        **_letter(row),
        headers=[
            (name, None if raw is None else raw.decode(errors="backslashreplace"))
            for name, raw in headers(row)
        ],
        data=None if text is None else _json(text),
        value=text,
        value_base64=b64encode(value).decode() if value is not None and text is None else None,
    )


MEANT = """
    ($1::text[] IS NULL OR consumer || '-' || id = ANY($1)) AND ($2::text IS NULL OR reason = $2)
    AND ($3::text IS NULL OR consumer = $3) AND ($4::text IS NULL OR state = $4)
"""
"""A condition, whose first four parameters are a selection."""


def _letter(row: Row) -> dict[str, Any]:
    key = row["key"]
    same = ("consumer", "topic", "partition", "reason", "error", "state", "at", "tries")
    return {
        "id": f"{row['consumer']}-{row['id']}",
        "offset": row["record_offset"],
        "key": None if key is None else key.decode(errors="backslashreplace"),
        **{name: row[name] for name in (*same, "settled_at", "settled_by", "settled_why")},
    }


def headers(row: Row) -> list[tuple[str, Any]]:
    """A record's headers as they came; bytes, or None."""
    return [(name, None if raw is None else bytes.fromhex(raw)) for name, raw in json.loads(row["headers"])]


def _text(raw: bytes) -> str | None:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
