"""All SQL about generations' schemas: made, filled with what cannot be read again, shown and dropped."""

from importlib.resources import files

import structlog
from relato_runtime.database import Connection

log = structlog.get_logger(__name__)

_LOCK = 0x68697374  # one process at a time makes generations
_LONG_SECONDS = 6 * 3600.0  # the whole audit history may be looked through


def schema(generation: int) -> str:
    """Where a generation's tables are."""
    return f"history_{generation}"


def views(generation: int) -> str:
    """Where a generation's views are while another one is live."""
    return f"history_{generation}_views"


async def alone(connection: Connection) -> None:
    """Wait until no other process makes generations, within the caller's transaction."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)


async def make(connection: Connection, generation: int) -> None:
    """The empty tables of a generation, and views that nobody sees yet, within the caller's transaction."""
    await connection.execute(f"CREATE SCHEMA {schema(generation)}")
    before = await connection.fetchval("SELECT current_setting('search_path')")
    await connection.execute("SELECT set_config('search_path', $1, true)", f"{schema(generation)},public")
    for script in ("generation.sql", "live.sql"):
        await connection.execute(files("history_projector").joinpath(script).read_text(encoding="utf-8"))
    await connection.execute("SELECT set_config('search_path', $1, true)", before)
    await connection.execute(f"ALTER SCHEMA history_next RENAME TO {views(generation)}")
    log.info("generation made", generation=generation)


async def show_first(connection: Connection, generation: int) -> None:
    """Show the first generation, in the place of what migrations made; nobody reads yet."""
    await connection.execute("DROP SCHEMA history CASCADE")
    await connection.execute(f"ALTER SCHEMA {views(generation)} RENAME TO history")


async def show(connection: Connection, generation: int, *, instead_of: int) -> None:
    """Let readers see a generation from the caller's commit on, and never anything between the two.

    Statements that were prepared before look their names up again: PostgreSQL invalidates all
    plans when a schema is renamed.
    """
    await connection.execute(f"ALTER SCHEMA history RENAME TO {views(instead_of)}")
    await connection.execute(f"ALTER SCHEMA {views(generation)} RENAME TO history")


async def take_over(connection: Connection, generation: int, live: int, topic: str) -> None:
    """Fill a new generation with what a compacted topic cannot tell again: how tickets changed.

    In one snapshot with the live generation's position on that ``topic``. The state of the tickets comes
    with them, though it is read again from the topic's start: a later record may have displaced the one
    that differed last. Where the live generation has another shape, what its entries lack stays as the new
    table has it by default.
    """
    old, new = schema(live), schema(generation)
    columns = await _shared(connection, "ticket_entries", old, new)
    await connection.execute(
        f"""
        INSERT INTO {new}.ticket_entries ({columns})
        SELECT {columns} FROM {old}.ticket_entries WHERE version = 0 AND kind = 'action'
        """,  # noqa: S608  # schemas and columns of ours
        timeout=_LONG_SECONDS,
    )
    # A ticket is active when it is opened (or, if its record came before that, then) and when it changes.
    await connection.execute(
        f"""
        WITH active AS (
            SELECT ticket_id, max(least(happened_at, recorded_at)) AS any,
                max(least(happened_at, recorded_at)) FILTER (
                    WHERE action IN ('ticket-opened', 'title-changed', 'status-changed', 'requester-changed')
                ) AS shown
            FROM {new}.ticket_entries WHERE action <> 'ticket-removed' GROUP BY ticket_id
        ), tickets AS (
            INSERT INTO {new}.tickets (
                ticket_id, title, status, requester_id, group_id, responsible_id, opened_at, last_activity_at
            )
            SELECT ticket_id, title, status, requester_id, group_id, responsible_id, opened_at, active.any
            FROM {old}.tickets LEFT JOIN active USING (ticket_id)
            WHERE title IS NOT NULL OR active.any IS NOT NULL OR last_version = 0
        )
        INSERT INTO {new}.requester_tickets (
            ticket_id, requester_id, title, status, opened_at, last_activity_at, applied_version, seen_up_to
        )
        SELECT ticket_id, requester_id, title, status, opened_at, active.shown, 0, 0
        FROM {old}.tickets LEFT JOIN active USING (ticket_id)
        WHERE title IS NOT NULL OR active.any IS NOT NULL OR last_version = 0
        """,  # noqa: S608  # schemas of ours
        timeout=_LONG_SECONDS,
    )
    await connection.execute(
        """
        INSERT INTO boundaries (generation, topic, partition, next_offset)
        SELECT $1, topic, partition, next_offset FROM positions
        WHERE consumer = 'history/' || $2::int AND topic = $3
        """,
        generation,
        live,
        topic,
    )
    # What somebody has given up is not to hold its ticket up anew.
    await connection.execute(
        """
        INSERT INTO dead_letters (
            consumer, topic, partition, record_offset, key, value, headers, reason, error, state, at,
            record_timestamp, tries, tried_at, settled_at, settled_by, settled_why
        )
        SELECT 'history/' || $1::int, topic, partition, record_offset, key, value, headers, reason, error,
            state, at, record_timestamp, tries, tried_at, settled_at, settled_by, settled_why
        FROM dead_letters WHERE consumer = 'history/' || $2::int AND state = 'discarded'
        """,
        *(generation, live),
    )


async def _shared(connection: Connection, table: str, one: str, other: str) -> str:
    """The columns that a table has in both schemas, as a statement lists them."""
    columns: str = await connection.fetchval(
        """
        SELECT string_agg(quote_ident(here.column_name::text), ', ' ORDER BY here.ordinal_position)
        FROM information_schema.columns AS here
        JOIN information_schema.columns AS there USING (table_name, column_name)
        WHERE table_name = $1 AND here.table_schema = $2 AND there.table_schema = $3
        """,
        *(table, one, other),
    )
    return columns


async def boundaries(connection: Connection, generation: int) -> dict[tuple[str, int], int]:
    """Before which offsets a generation's records have left their entries already, by topic and partition."""
    rows = await connection.fetch(
        "SELECT topic, partition, next_offset FROM boundaries WHERE generation = $1", generation
    )
    return {(row["topic"], row["partition"]): row["next_offset"] for row in rows}


async def passed(connection: Connection, generation: int, topic: str, partition: int) -> None:
    """Forget a boundary that has been reached: a broker that is put back may give its offsets out again."""
    await connection.execute(
        "DELETE FROM boundaries WHERE generation = $1 AND topic = $2 AND partition = $3",
        generation,
        topic,
        partition,
    )


async def drop(connection: Connection, generation: int) -> None:
    """Remove all that there is of a generation, within the caller's transaction; nobody consumes for it."""
    for each in (views(generation), schema(generation)):
        await connection.execute(f"DROP SCHEMA IF EXISTS {each} CASCADE", timeout=_LONG_SECONDS)
    name = f"history/{generation}"
    await connection.execute("DELETE FROM positions WHERE consumer = $1", name)
    await connection.execute("DELETE FROM dead_letters WHERE consumer = $1", name)
    await connection.execute("DELETE FROM boundaries WHERE generation = $1", generation)
    await connection.execute("DELETE FROM generations WHERE generation = $1", generation)
    log.info("generation dropped", generation=generation)
