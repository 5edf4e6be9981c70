"""Generations of the read models: each has its own schema and consumer, and one of them is live."""

from collections.abc import Mapping
from importlib.resources import files
from typing import TypedDict
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import structlog
from relato_runtime.database import Connection, Pool

log = structlog.get_logger(__name__)

PROJECTION = "history"
_LOCK = 0x68697374  # one process at a time makes or switches generations
_MEASURE_SECONDS = 4
_STALE_SECONDS = 30


class Projection(TypedDict):
    """One generation, as operators see it."""

    projection: str
    generation: int
    state: str
    applied: int
    """Records taken in."""
    behind: int | None
    """Records still to be taken in; None where nobody asked the broker."""
    rate: float
    """Records a second."""


def consumer(generation: int) -> str:
    """The name under which a generation's positions are kept."""
    return f"{PROJECTION}/{generation}"


def schema(generation: int) -> str:
    """Where a generation's tables are."""
    return f"{PROJECTION}_{generation}"


def address(url: str, generation: int) -> str:
    """The database as a generation sees it: names without a schema are those of its own tables."""
    parts = urlsplit(url)
    query = {**dict(parse_qsl(parts.query)), "search_path": f"{schema(generation)},public"}
    return urlunsplit(parts._replace(query=urlencode(query, safe="/,")))


async def consuming(pool: Pool) -> list[int]:
    """The generations that take in records; where there is none yet, the first is made, and live."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        if not await connection.fetchval("SELECT count(*) FROM generations"):
            await create(connection, 1)
            await make_live(connection, 1)
        rows = await connection.fetch(
            "SELECT generation FROM generations WHERE state <> 'retired' ORDER BY generation"
        )
    return [row["generation"] for row in rows]


async def create(connection: Connection, generation: int) -> None:
    """Make the empty tables of a generation, within the caller's transaction."""
    await connection.execute(f"CREATE SCHEMA {schema(generation)}")
    await _run(connection, "generation.sql", generation)
    await connection.execute(
        "INSERT INTO generations (generation, state) VALUES ($1, 'building')", generation
    )
    log.info("generation created", generation=generation)


async def make_live(connection: Connection, generation: int) -> None:
    """Let the views show a generation, within the caller's transaction; the one before is retired."""
    await connection.execute("UPDATE generations SET state = 'retired' WHERE state = 'live'")
    await connection.execute("UPDATE generations SET state = 'live' WHERE generation = $1", generation)
    await _run(connection, "live.sql", generation)
    log.info("generation live", generation=generation)


async def listed(connection: Connection, behind: Mapping[str, int]) -> list[Projection]:
    """All generations; ``behind`` says how many records each consumer, by its name, has still to take in."""
    rows = await connection.fetch(
        """
        SELECT generation, state,
            CASE WHEN measured_at > now() - make_interval(secs => $1) THEN rate ELSE 0 END AS rate,
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
        """,
        PROJECTION,
        _MEASURE_SECONDS,
    )


async def _run(connection: Connection, script: str, generation: int) -> None:
    """Run one of our scripts with a generation's schema first on the search path."""
    text = files("history_projector").joinpath(script).read_text(encoding="utf-8")
    before = await connection.fetchval("SELECT current_setting('search_path')")
    await connection.execute("SELECT set_config('search_path', $1, true)", f"{schema(generation)},public")
    await connection.execute(text)
    await connection.execute("SELECT set_config('search_path', $1, true)", before)
