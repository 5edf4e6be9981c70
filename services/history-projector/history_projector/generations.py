"""All SQL about generations of the read models: each has a schema and a consumer, and one is live."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, TypedDict
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from relato_runtime.database import Connection, Pool

from history_projector import making

PROJECTION = "history"
SHAPE = 1
"""Of the tables and views that this program makes: one higher whenever generation.sql or live.sql changes."""
_MEASURE_SECONDS = 4
_STALE_SECONDS = 30


class Generation(NamedTuple):
    """One generation, as the row says."""

    number: int
    state: str
    """``preparing``, ``building``, ``live``, ``retired`` or ``dropping``."""
    paused: bool
    shape: int
    retired_at: datetime | None

    @property
    def consumes(self) -> bool:
        """Whether it takes in records: what was live goes on too, so that there is a way back."""
        return self.state in {"building", "live", "retired"} and not self.paused


class Projection(TypedDict):
    """One generation, as operators see it."""

    projection: str
    generation: int
    state: str
    stage: str
    """Its state apart from being paused."""
    applied: int
    """Records taken in."""
    behind: int | None
    """Records still to be taken in; None where nobody asked the broker."""
    rate: float
    """Records a second."""


def consumer(generation: int) -> str:
    """The name under which a generation's positions are kept."""
    return f"{PROJECTION}/{generation}"


def address(url: str, generation: int) -> str:
    """The database as a generation sees it: names without a schema are those of its own tables."""
    parts = urlsplit(url)
    query = {**dict(parse_qsl(parts.query)), "search_path": f"{making.schema(generation)},public"}
    return urlunsplit(parts._replace(query=urlencode(query, safe="/,")))


async def consuming(pool: Pool) -> list[int]:
    """The generations that take in records; where there is none yet, the first is made, and live."""
    async with pool.acquire() as connection, connection.transaction():
        await making.alone(connection)
        known = await every(connection)
        if not known:
            number = await add(connection, "live")
            await making.make(connection, number)
            await making.show_first(connection, number)
            known = await every(connection)
    return [each.number for each in known if each.consumes]


async def every(connection: Connection) -> list[Generation]:
    """All generations, oldest first."""
    rows = await connection.fetch(
        "SELECT generation, state, paused, shape, retired_at FROM generations ORDER BY generation"
    )
    return [Generation(*row) for row in rows]


async def add(connection: Connection, state: str) -> int:
    """A new generation, with a number that none had before."""
    number: int = await connection.fetchval(
        """
        INSERT INTO generations (generation, state, shape)
        VALUES (nextval('generation_numbers'), $1, $2) RETURNING generation
        """,
        state,
        SHAPE,
    )
    return number


async def become(connection: Connection, number: int, state: str) -> None:
    """Move a generation to another state; what becomes live retires the one before."""
    if state == "live":
        await connection.execute(
            "UPDATE generations SET state = 'retired', retired_at = now() WHERE state = 'live'"
        )
    await connection.execute("UPDATE generations SET state = $2 WHERE generation = $1", number, state)


async def claim(connection: Connection, number: int, state: str) -> bool:
    """Whether a generation is in that state, and this transaction the only one that works on it."""
    return bool(
        await connection.fetchval(
            "SELECT true FROM generations WHERE generation = $1 AND state = $2 FOR UPDATE SKIP LOCKED",
            number,
            state,
        )
    )


async def live(connection: Connection) -> int:
    """The number of the live generation."""
    number: int = await connection.fetchval("SELECT generation FROM generations WHERE state = 'live'")
    return number


async def shape(connection: Connection, number: int) -> int:
    """The shape of a generation's tables and views."""
    known: int = await connection.fetchval("SELECT shape FROM generations WHERE generation = $1", number)
    return known


async def pause(connection: Connection, number: int, *, paused: bool) -> None:
    """Let a generation stop taking in records, or go on."""
    await connection.execute("UPDATE generations SET paused = $2 WHERE generation = $1", number, paused)


async def listed(connection: Connection, behind: Mapping[str, int]) -> list[Projection]:
    """All generations; ``behind`` says how many records each consumer, by its name, has still to take in."""
    rows = await connection.fetch(
        """
        SELECT generation, state AS stage, CASE WHEN paused THEN 'paused' ELSE state END AS state,
            CASE
                WHEN measured_at > now() - make_interval(secs => $1) AND NOT paused THEN rate ELSE 0
            END AS rate,
            (
                SELECT coalesce(sum(next_offset), 0)::bigint FROM positions
                WHERE consumer = $2 || '/' || generation
            ) AS applied
        FROM generations ORDER BY generation
        """,
        _STALE_SECONDS,
        PROJECTION,
    )
    return [
        Projection(
            projection=PROJECTION,
            generation=row["generation"],
            state=row["state"],
            stage=row["stage"],
            applied=row["applied"],
            behind=behind.get(consumer(row["generation"])),
            rate=round(row["rate"], 1),
        )
        for row in rows
    ]


async def measure(pool: Pool) -> None:
    """Note how fast each generation goes on; of several processes, one does so at a time."""
    await pool.execute(
        """
        UPDATE generations SET
            rate = (now_at.applied - generations.applied)
                / greatest(extract(epoch FROM now() - measured_at), 1),
            applied = now_at.applied, measured_at = now()
        FROM (
            SELECT generation, coalesce(sum(next_offset), 0)::bigint AS applied
            FROM generations LEFT JOIN positions ON consumer = $1 || '/' || generation
            GROUP BY generation
        ) AS now_at
        WHERE generations.generation = now_at.generation AND measured_at < now() - make_interval(secs => $2)
            AND state IN ('building', 'live', 'retired')
        """,
        PROJECTION,
        _MEASURE_SECONDS,
    )
