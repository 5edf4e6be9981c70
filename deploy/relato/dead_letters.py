"""Records that a consumer could not take in, as its database keeps them: all SQL about them here."""

import json
from base64 import b64encode
from typing import TypedDict

import asyncpg
from relato_runtime.database import Connection


class DeadLetter(TypedDict):
    """One of them in a list."""

    id: str
    """Consumer and number: unique over all databases."""
    consumer: str
    topic: str
    partition: int
    offset: int
    key: str | None
    reason: str
    error: str
    state: str
    at: str


class WholeDeadLetter(DeadLetter):
    """One of them with what was in it; bytes that are no text are in base64."""

    headers: list[tuple[str, str | None]]
    value: str | None
    value_base64: str | None


async def listing(connection: Connection) -> list[DeadLetter]:
    """All in this database, oldest first."""
    rows = await connection.fetch(
        """
        SELECT id, consumer, topic, partition, record_offset, key, reason, error, state, at
        FROM dead_letters ORDER BY at, id
        """
    )
    return [_letter(row) for row in rows]


async def one(connection: Connection, letter_id: str) -> WholeDeadLetter | None:
    """The one with that id, if it is in this database."""
    consumer, _, number = letter_id.rpartition("-")
    if not (number.isascii() and number.isdigit() and len(number) <= 18):
        return None
    row = await connection.fetchrow(
        """
        SELECT id, consumer, topic, partition, record_offset, key, value, headers, reason, error, state, at
        FROM dead_letters WHERE consumer = $1 AND id = $2
        """,
        consumer,
        int(number),
    )
    if row is None:
        return None
    value = row["value"]
    text = None if value is None else _text(value)
    return {
        **_letter(row),
        "headers": [
            (name, None if raw is None else bytes.fromhex(raw).decode(errors="backslashreplace"))
            for name, raw in json.loads(row["headers"])
        ],
        "value": text,
        "value_base64": b64encode(value).decode() if value is not None and text is None else None,
    }


def _letter(row: asyncpg.Record) -> DeadLetter:
    key = row["key"]
    return {
        "id": f"{row['consumer']}-{row['id']}",
        "consumer": row["consumer"],
        "topic": row["topic"],
        "partition": row["partition"],
        "offset": row["record_offset"],
        "key": None if key is None else key.decode(errors="backslashreplace"),
        "reason": row["reason"],
        "error": row["error"],
        "state": row["state"],
        "at": row["at"].isoformat(),
    }


def _text(raw: bytes) -> str | None:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None
