"""What the log and its neighbours hold of a person, or of a ticket's words: all SQL of erasing."""

from collections.abc import Sequence
from datetime import datetime

from relato_contracts.envelope import type_name
from relato_contracts.erasure import ERASED, TEXTS
from relato_contracts.notes import TextErased
from relato_contracts.topics import PEOPLE, TICKETS
from relato_runtime.database import Connection

from notes.privacy.forgetting import Forgotten, Told

SUBJECT = "people"
"""Of jobs that erase, one of which is under way at a time."""

ERASE = "erase"
RETAIN = "retain"
"""Those for what goes by rule."""

RATE = 2_000
"""Facts a second, at most."""
PATIENCE_SECONDS = 600

_LARGE_SECONDS = 600


async def tickets(connection: Connection, person_id: str, after: str, limit: int) -> list[str]:
    """The next tickets, by their ids, on which the log still holds something of a person."""
    rows = await connection.fetch(
        f"""
        SELECT DISTINCT ticket_id FROM events WHERE ticket_id > $4 AND {_HELD}
        ORDER BY ticket_id LIMIT $5
        """,  # noqa: S608  # constants
        *(person_id, _TEXTS, ERASED, after, limit),
        timeout=_LARGE_SECONDS,
    )
    return [row["ticket_id"] for row in rows]


async def told(connection: Connection, ticket_ids: Sequence[str], person_id: str | None) -> list[Told]:
    """What was said on these tickets by or to a person, or at all, in the order of tickets and versions."""
    rows = await connection.fetch(
        f"""
        SELECT {_TOLD} FROM events
        WHERE ticket_id = ANY($4::text[]) AND type <> $5
            AND CASE WHEN $1::text IS NULL THEN {_WORDS} ELSE {_HELD} END
        ORDER BY ticket_id, version
        """,  # noqa: S608  # constants
        *(person_id, _TEXTS, ERASED, list(ticket_ids), type_name(TextErased)),
        timeout=_LARGE_SECONDS,
    )
    return [Told(**dict(row)) for row in rows]


async def named(connection: Connection, ticket_id: str, versions: Sequence[int]) -> list[Told]:
    """These facts of a ticket, as far as the log has them."""
    rows = await connection.fetch(
        f"""
        SELECT {_TOLD} FROM events WHERE ticket_id = $1 AND version = ANY($2::int[]) AND type <> $3
        """,  # noqa: S608  # columns of ours
        *(ticket_id, list(versions), type_name(TextErased)),
        timeout=_LARGE_SECONDS,
    )
    return [Told(**dict(row)) for row in rows]


async def put(connection: Connection, forgotten: Sequence[Forgotten], erased_at: datetime) -> None:
    """Let events say no more than this, and what was answered to their requests, which tells by its hash."""
    places = (
        [each.event.ticket_id for each in forgotten],
        [each.event.version for each in forgotten],
    )
    await connection.execute(
        """
        WITH gone AS (
            SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::text[])
                AS gone (ticket_id, version, data, openings)
        ), asked AS (
            UPDATE outbox SET request = NULL FROM gone
            WHERE outbox.ticket_id = gone.ticket_id AND outbox.version = gone.version
        ), answered AS (
            DELETE FROM idempotency_keys USING gone
            WHERE response->>'ticket_id' = gone.ticket_id AND response->>'version' = gone.version::text
        )
        UPDATE events SET data = gone.data::json, openings = gone.openings::json, salt = NULL, erased_at = $5
        FROM gone WHERE events.ticket_id = gone.ticket_id AND events.version = gone.version
        """,
        *(*places, [each.data for each in forgotten], [each.openings for each in forgotten], erased_at),
        timeout=_LARGE_SECONDS,
    )


async def dismiss(connection: Connection, person_id: str) -> None:
    """They have no name and no part in anything from now on."""
    await connection.execute(
        "UPDATE people SET name = $2, has_email = false, active = false WHERE person_id = $1",
        *(person_id, ERASED),
    )


async def under_way(connection: Connection) -> int:
    """Behind the last transaction that may still go by what it read before this."""
    number: int = await connection.fetchval("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
    return number


async def ended(connection: Connection, before: int) -> bool:
    """Whether all those have ended."""
    so: bool = await connection.fetchval(
        "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint >= $1", before
    )
    return so


async def forget(connection: Connection, person_id: str) -> None:
    """Everything beside the log: what they asked, what they or others began to write."""
    await connection.execute(
        "DELETE FROM drafts WHERE person_id = $1"
        " OR ticket_id IN (SELECT ticket_id FROM tickets WHERE requester_id = $1)",
        person_id,
    )
    await connection.execute("DELETE FROM idempotency_keys WHERE person_id = $1", person_id)
    await connection.execute("DELETE FROM presence WHERE person_id = $1", person_id)
    await connection.execute("DELETE FROM imported_lines WHERE position($1 IN line) > 0", f'"{person_id}"')


async def discard_drafts(connection: Connection, ticket_id: str) -> None:
    """Whatever anybody began to write on a ticket."""
    await connection.execute("DELETE FROM drafts WHERE ticket_id = $1", ticket_id)


async def held(connection: Connection, person_id: str) -> dict[str, int]:
    """How much there is of that, by table; and on how many tickets."""
    row = await connection.fetchrow(
        f"""
        SELECT
            (SELECT count(*) FROM events WHERE {_HELD}) AS events,
            (SELECT count(*) FROM drafts WHERE person_id = $1
                OR ticket_id IN (SELECT ticket_id FROM tickets WHERE requester_id = $1)) AS drafts,
            (SELECT count(*) FROM idempotency_keys WHERE person_id = $1) AS idempotency_keys,
            (SELECT count(*) FROM presence WHERE person_id = $1) AS presence,
            (SELECT count(*) FROM imported_lines WHERE position('"' || $1 || '"' IN line) > 0)
                AS imported_lines,
            (SELECT count(*) FROM people WHERE person_id = $1 AND name <> $3) AS people
        """,  # noqa: S608  # constants
        *(person_id, _TEXTS, ERASED),
        timeout=_LARGE_SECONDS,
    )
    assert row is not None
    return dict(row)


async def said(connection: Connection, person_id: str) -> dict[str, int]:
    """How many records of the ITSM's topics say who somebody is, or what they asked for, by topic.

    Of tickets nothing is kept here that tells; what is said of somebody who is erased is not known.
    """
    row = await connection.fetchrow(
        """
        SELECT (SELECT count(*) FROM people WHERE person_id = $1 AND name <> $2) AS people,
            (
                SELECT count(*) FROM tickets WHERE requester_id = $1
                    AND NOT EXISTS (SELECT FROM erased_people WHERE person_id = $1)
            ) AS tickets
        """,
        *(person_id, ERASED),
        timeout=_LARGE_SECONDS,
    )
    assert row is not None
    return {PEOPLE.name: row["people"], TICKETS.name: row["tickets"]}


async def silenced(connection: Connection, person_id: str) -> list[str]:
    """Tickets on which something was erased that was a person's, whenever that was."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT ticket_id FROM events
        WHERE erased_at IS NOT NULL AND $1 IN (data->>'author_id', data->>'requester_id')
        """,
        person_id,
        timeout=_LARGE_SECONDS,
    )
    return [row["ticket_id"] for row in rows]


async def silenced_by(connection: Connection, correlation_id: str) -> list[str]:
    """Tickets on which one job has erased something."""
    rows = await connection.fetch(
        "SELECT DISTINCT ticket_id FROM events WHERE type = $1 AND correlation_id = $2",
        *(type_name(TextErased), correlation_id),
        timeout=_LARGE_SECONDS,
    )
    return [row["ticket_id"] for row in rows]


async def silenced_by_rule(connection: Connection) -> list[str]:
    """Tickets on which something was erased because they had been closed for long, whenever that was."""
    rows = await connection.fetch(
        "SELECT DISTINCT ticket_id FROM events WHERE type = $1 AND data->>'cause' = 'retention'",
        type_name(TextErased),
        timeout=_LARGE_SECONDS,
    )
    return [row["ticket_id"] for row in rows]


async def long_closed(connection: Connection, before: datetime, after: str, limit: int) -> list[str]:
    """The next tickets, by their ids, that were closed by then, and on which something still stands."""
    rows = await connection.fetch(
        f"""
        SELECT ticket_id FROM tickets
        WHERE ticket_id > $4 AND closed_since < $1 AND (
            EXISTS (SELECT FROM events WHERE events.ticket_id = tickets.ticket_id AND {_WORDS})
            OR EXISTS (SELECT FROM drafts WHERE drafts.ticket_id = tickets.ticket_id)
        )
        ORDER BY ticket_id LIMIT $5
        """,  # noqa: S608  # constants
        *(before, _TEXTS, ERASED, after, limit),
        timeout=_LARGE_SECONDS,
    )
    return [row["ticket_id"] for row in rows]


async def pending(connection: Connection) -> bool:
    """Whether the log still says something of somebody who was erased and has not been dealt with."""
    rows = await connection.fetch("SELECT person_id FROM erased_people WHERE done_at IS NULL")
    for row in rows:
        if await tickets(connection, row["person_id"], "", 1):
            return True
    return False


async def due(connection: Connection, before: datetime) -> dict[str, int]:
    """How many tickets those are with how many facts that say something, and drafts on any."""
    row = await connection.fetchrow(
        f"""
        SELECT count(DISTINCT ticket_id) AS tickets, count(*) AS events,
            (SELECT count(*) FROM drafts JOIN tickets USING (ticket_id) WHERE closed_since < $1) AS drafts
        FROM events JOIN tickets USING (ticket_id) WHERE closed_since < $1 AND {_WORDS}
        """,  # noqa: S608  # constants
        *(before, _TEXTS, ERASED),
        timeout=_LARGE_SECONDS,
    )
    assert row is not None
    return dict(row)


_TOLD = """
    ticket_id, version, event_id, type, subject_id, actor, correlation_id, recorded_at, data::text, salt,
    openings::text
"""
_TEXTS = sorted(TEXTS)
# Parameters: person, names of fields with texts, what stands for an erased one. As ``without_texts`` has it.
_WORDS = """
    EXISTS (
        SELECT FROM json_each_text(data) AS field (name, value)
        WHERE name = ANY($2::text[]) AND value NOT IN ('', $3)
            AND NOT (name = 'reason' AND data->>'release_outcome' IS NOT NULL)
    )
"""
_HELD = f"""(
    data->>'author_id' = $1 AND data->>'author_name' <> $3
    OR $1 IN (data->>'author_id', data->>'requester_id') AND {_WORDS}
)"""
