"""People who have been erased, beside the generations; what all hold of a person: all SQL about that."""

from datetime import datetime

from relato_contracts.erasure import ADDRESS, ERASED, TEXTS
from relato_contracts.people import PersonErased
from relato_contracts.topics import dead_letters
from relato_runtime import erased, remains
from relato_runtime.database import Connection

from history_projector import generations, making

_LARGE_SECONDS = 600
_LETTERS = dead_letters("history-projector").name


async def erase(connection: Connection, fact: PersonErased) -> None:
    """Somebody has been erased: what their tickets' streams hold goes with what those say themselves."""
    await remains.keep(connection, fact.person_id, await on_topics(connection, fact.person_id))
    await erased.remember(connection, fact.person_id, fact.erased_at)
    await erased.forget(connection, fact.person_id)
    address: str | None = await connection.fetchval(
        "SELECT email FROM reference.people WHERE person_id = $1", fact.person_id
    )
    for schema in await _schemas(connection):
        if address is not None:
            statement = _UNADDRESS.format(schema=schema)
            await connection.execute(statement, address, ERASED, ADDRESS, timeout=_LARGE_SECONDS)
        for statement in (_OPENED, _RENAMED):
            await connection.execute(
                statement.format(schema=schema), fact.person_id, ERASED, timeout=_LARGE_SECONDS
            )
    await connection.execute(
        "UPDATE verifications SET name = $2 WHERE person_id = $1", fact.person_id, ERASED
    )
    await connection.execute(
        "UPDATE reference.people SET name = $2, email = NULL, active = false WHERE person_id = $1",
        *(fact.person_id, ERASED),
    )
    await connection.execute(
        """
        UPDATE reference.tickets SET title = $2, description = CASE WHEN description <> '' THEN $2 END
        WHERE requester_id = $1
        """,
        *(fact.person_id, ERASED),
    )


async def to_go(connection: Connection, person_id: str) -> dict[str, int]:
    """How many of those go by themselves: what others say on their tickets afterwards stays as it is."""
    erased_at: datetime | None = await connection.fetchval(
        "SELECT erased_at FROM erased_people WHERE person_id = $1", person_id
    )
    return await held(connection, person_id, erased_at)


async def held(connection: Connection, person_id: str, said_by: datetime | None = None) -> dict[str, int]:
    """How many rows of each table hold something of a person, of others' words those said by then."""
    found = await erased.held(connection, person_id)
    row = await connection.fetchrow(_REFERENCE, person_id, ERASED)
    assert row is not None
    found |= dict(row)
    for schema in await _schemas(connection):
        counted = await connection.fetchrow(
            _GENERATION.format(schema=schema),
            *(person_id, ERASED, sorted(TEXTS), said_by),
            timeout=_LARGE_SECONDS,
        )
        assert counted is not None
        found |= {f"{schema}.{name}": number for name, number in counted.items()}
    return found


async def on_topics(connection: Connection, person_id: str) -> dict[str, int]:
    """How many records of our own topic name somebody, as far as rows tell."""
    return {_LETTERS: (await erased.held(connection, person_id))["dead_letters"]}


async def _schemas(connection: Connection) -> list[str]:
    every = await generations.every(connection)
    return [making.schema(each.number) for each in every if each.state in {"building", "live", "retired"}]


async def tables(connection: Connection) -> list[str]:
    """Where there may be something of anybody."""
    rows = await connection.fetch(
        """
        SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
        WHERE schemaname IN ('public', 'reference') OR schemaname ~ '^history_[0-9]+$' ORDER BY name
        """
    )
    return [row["name"] for row in rows]


_REFERENCE = """
    SELECT
        (SELECT count(*) FROM reference.people WHERE person_id = $1 AND name <> $2) AS "reference.people",
        (SELECT count(*) FROM reference.tickets WHERE requester_id = $1 AND title <> $2)
            AS "reference.tickets"
"""
# What they said first goes also where the ITSM has given their ticket to somebody else, or removed it.
_OPENED = """
    UPDATE {schema}.ticket_entries
    SET data = (data - 'description') || jsonb_build_object('title', $2::text)
    WHERE version = 0 AND action = 'ticket-opened' AND data ->> 'requester_id' = $1
        AND (data ->> 'title' <> $2 OR data ->> 'description' <> $2)
"""
# What a ticket is called now the ITSM says itself.
_RENAMED = """
    UPDATE {schema}.ticket_entries AS entry SET data = jsonb_build_object(
        'from', $2::text, 'to', CASE entry.data ->> 'to' WHEN ticket.title THEN ticket.title ELSE $2 END
    )
    FROM {schema}.ticket_entries AS theirs JOIN {schema}.tickets AS ticket USING (ticket_id)
    WHERE entry.version = 0 AND entry.action = 'title-changed'
        AND theirs.ticket_id = entry.ticket_id AND theirs.version = 0
        AND (theirs.action = 'ticket-opened' AND theirs.data ->> 'requester_id' = $1
            OR theirs.action = 'requester-changed' AND $1 IN (theirs.data ->> 'from', theirs.data ->> 'to'))
"""
# What a server answered may name whom it was asked for.
_UNADDRESS = """
    WITH theirs AS (
        UPDATE {schema}.email_outcomes SET recipient = $2, reason = regexp_replace(reason, $3, $2, 'g')
        WHERE lower(recipient) = lower($1)
    )
    UPDATE {schema}.ticket_entries
    SET data = data || jsonb_strip_nulls(jsonb_build_object(
        'recipient', $2::text, 'reason', regexp_replace(data ->> 'reason', $3, $2, 'g')
    ))
    WHERE kind = 'mail' AND lower(data ->> 'recipient') = lower($1)
"""
_GENERATION = """
    SELECT
        (SELECT count(*) FROM {schema}.tickets WHERE requester_id = $1 AND title <> $2) AS tickets,
        (
            SELECT count(*) FROM {schema}.email_outcomes, reference.people
            WHERE person_id = $1 AND lower(recipient) = lower(email)
        ) AS email_outcomes,
        (
            SELECT count(*) FROM {schema}.ticket_entries
            WHERE author_id = $1 AND author_name <> $2
                OR version = 0 AND action = 'ticket-opened' AND data ->> 'requester_id' = $1
                    AND (data ->> 'title' <> $2 OR data ->> 'description' <> $2)
                OR $1 IN (author_id, data ->> 'requester_id')
                AND (author_id = $1 OR $4::timestamptz IS NULL OR recorded_at <= $4)
                AND EXISTS (
                    SELECT FROM jsonb_each_text(data) AS field (name, value)
                    WHERE name = ANY($3::text[]) AND value NOT IN ('', $2)
                        AND NOT (name = 'reason' AND data ? 'release_outcome')
                )
        ) AS ticket_entries,
        (SELECT count(*) FROM {schema}.occurrences WHERE author_id = $1 AND author_name <> $2) AS occurrences,
        (SELECT count(*) FROM {schema}.chat_entries WHERE author_id = $1 AND author_name <> $2)
            AS chat_entries,
        (SELECT count(*) FROM {schema}.requester_entries WHERE author_id = $1 AND author_name <> $2)
            AS requester_entries,
        (
            SELECT count(*) FROM {schema}.parked_records
            WHERE position(convert_to('"' || $1 || '"', 'UTF8') IN value) > 0
                AND position(convert_to($2, 'UTF8') IN value) = 0
        ) AS parked_records
"""
