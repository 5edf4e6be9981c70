"""What was said or who somebody was, out of the ledger and what lies beside it: all SQL about that.

That there was a mail, about what, when, and what became of it stays. What has not gone out does not go out.
"""

import json
from collections.abc import Iterable
from dataclasses import replace

from asyncpg import Record
from relato_contracts.erasure import ADDRESS, ERASED, without_texts
from relato_contracts.notes import NoteEvent, TextErased
from relato_contracts.people import PersonErased
from relato_runtime import erased
from relato_runtime.database import Connection

from notifier import outbox, unaddressed
from notifier.event import Event
from notifier.rates import rate_names
from notifier.unaddressed import DECIDED, Known

_LARGE_SECONDS = 600


async def silence(connection: Connection, facts: Iterable[TextErased]) -> None:
    """Forget what mails said about these facts, and what is known of the occurrences that they are about.

    Of those everything is known again once their events are published anew, without the words.
    """
    for fact in facts:
        subjects = list(fact.subjects)
        await connection.execute("DELETE FROM occurrences WHERE occurrence_id = ANY($1::uuid[])", subjects)
        await connection.execute("DELETE FROM waiting WHERE data::jsonb ->> 'ticket_id' = $1"
            " AND version = ANY($2::int[])", fact.ticket_id, list(fact.versions))  # fmt: skip
        await _empty(connection, await connection.fetch(
            """
            SELECT mail_id FROM mails
            WHERE ticket_id = $1 AND (event_version = ANY($2::int[]) OR subject_id = ANY($3::uuid[]))
            """,
            *(fact.ticket_id, list(fact.versions), subjects),
        ))  # fmt: skip


def without(events: Iterable[Event], erased: Iterable[TextErased]) -> tuple[list[Event], list[Event]]:
    """Pure: those of these events that these facts do not name, and the others without their words."""
    named = {(fact.ticket_id, version): fact for fact in erased for version in fact.versions}
    kept, gone = [], []
    for event in events:
        fact = named.get((event.fact.ticket_id, event.version))
        if fact is None:
            kept.append(event)
        else:
            gone.append(replace(event, fact=_silent(event.fact, anonymous=event.version in fact.anonymous)))
    return kept, gone


def _silent(fact: NoteEvent, *, anonymous: bool) -> NoteEvent:
    left = without_texts(fact.model_dump(mode="json", exclude_none=True), anonymous=anonymous)
    return type(fact).model_validate_json(json.dumps(left))


async def forget(connection: Connection, fact: PersonErased) -> None:
    """Forget who somebody was: mails to them, their own decisions and test mails, and their addresses."""
    person_id = fact.person_id
    await erased.remember(connection, person_id, fact.erased_at)
    await erased.forget(connection, person_id)
    theirs = await connection.fetch(THEIRS, person_id, timeout=_LARGE_SECONDS)
    await _empty(connection, theirs)
    ids = [each["mail_id"] for each in theirs]
    await connection.execute(_UNADDRESS, ids, ERASED, timeout=_LARGE_SECONDS)
    rates = [rate_names(each["address"])[0] for each in await connection.fetch(_ADDRESSES, person_id)]
    await connection.execute("DELETE FROM rates WHERE name = ANY($1::text[])", rates)
    await _untell(connection, Known(frozenset(map(str, ids)), frozenset({person_id})))
    await connection.execute("DELETE FROM former_addresses WHERE person_id = $1", person_id)
    await connection.execute("DELETE FROM waiting WHERE position($1 IN data) > 0", f'"{person_id}"')
    await connection.execute("DELETE FROM test_mails WHERE person_id = $1", person_id)
    for table in ("mails", "decisions"):
        await connection.execute(
            f"""
            UPDATE {table} SET decision = decision || jsonb_strip_nulls(jsonb_build_object(
                'person_name', $2::text, 'reason', CASE WHEN decision ->> 'reason' <> '' THEN $2::text END
            ))
            WHERE decision ->> 'person_id' = $1
            """,  # noqa: S608  # names from above
            *(person_id, ERASED),
            timeout=_LARGE_SECONDS,
        )
    await connection.execute(
        "UPDATE mails SET reason = regexp_replace(reason, $2, $3) WHERE decision ->> 'person_id' = $1",
        *(person_id, DECIDED, rf"\1{ERASED}"),
        timeout=_LARGE_SECONDS,
    )
    await connection.execute(
        "UPDATE sending SET name = $2, reason = $2 WHERE person_id = $1", person_id, ERASED
    )
    await connection.execute(
        "UPDATE people SET name = $2, email = NULL, active = false WHERE person_id = $1", person_id, ERASED
    )


async def held(connection: Connection, person_id: str) -> dict[str, int]:
    """How many rows of each table hold something of a person."""
    row = await connection.fetchrow(
        f"""
        WITH known AS (SELECT name, email FROM people WHERE person_id = $1)
        SELECT
            (SELECT count(*) FROM known WHERE name <> $2) AS people,
            (SELECT count(*) FROM ({THEIRS}) AS theirs) AS mails,
            (SELECT count(*) FROM former_addresses WHERE person_id = $1) AS former_addresses,
            (SELECT count(*) FROM waiting WHERE position('"' || $1 || '"' IN data) > 0) AS waiting,
            (SELECT count(*) FROM test_mails WHERE person_id = $1) AS test_mails,
            (
                SELECT count(*) FROM decisions
                WHERE decision ->> 'person_id' = $1 AND decision ->> 'person_name' <> $2
            ) AS decisions
        """,  # noqa: S608  # constants alone
        *(person_id, ERASED),
        timeout=_LARGE_SECONDS,
    )
    assert row is not None
    return dict(row) | await erased.held(connection, person_id)


async def tables(_connection: Connection) -> list[str]:
    """Where there may be something of anybody."""
    return [
        *("mails", "attempts", "decisions", "test_mails", "outbox", "occurrences", "waiting", "tickets"),
        *(
            "people",
            "former_addresses",
            "rates",
            "told_before",
            "dead_letters",
            "operations",
            "jobs",
            "job_findings",
        ),
    ]


async def _untell(connection: Connection, gone: Known) -> None:
    """What is to be told yet is told without whom it names."""
    rows = await connection.fetch(
        """
        SELECT seq, data FROM outbox
        WHERE data::jsonb ->> 'mail_id' = ANY($1::text[])
            OR data::jsonb -> 'decision' ->> 'person_id' = ANY($2::text[])
        """,
        *(list(gone.mails), list(gone.people)),
        timeout=_LARGE_SECONDS,
    )
    await connection.executemany(
        "UPDATE outbox SET data = $2 WHERE seq = $1",
        [(each["seq"], json.dumps(unaddressed.without(json.loads(each["data"]), gone))) for each in rows],
    )


async def _empty(connection: Connection, mails: Iterable[Record]) -> None:
    """Keep nothing of what these mails said; those that might still go out do not."""
    ids = [each["mail_id"] for each in mails]
    rows = await connection.fetch(
        """
        UPDATE mails SET state = 'suppressed', reason = 'erased', lease = NULL, leased_until = NULL,
            updated_at = clock_timestamp()
        WHERE mail_id = ANY($1::uuid[]) AND state IN ('planned', 'retry', 'leased', 'uncertain')
        RETURNING mail_id
        """,
        ids,
    )
    await connection.execute(
        """
        UPDATE mails SET source = NULL, message_id = NULL, event_data = NULL, event_type = NULL
        WHERE mail_id = ANY($1::uuid[])
        """,
        ids,
    )
    await outbox.tell(connection, [row["mail_id"] for row in rows])


_ADDRESSES = """
    SELECT email AS address, NULL::timestamptz AS until FROM people
    WHERE person_id = $1 AND email IS NOT NULL
    UNION ALL SELECT address, until FROM former_addresses WHERE person_id = $1
"""
THEIRS = f"""
    SELECT DISTINCT mail_id FROM mails JOIN ({_ADDRESSES}) AS theirs ON lower(recipient) = lower(address)
    WHERE until IS NULL OR planned_at <= until
"""  # noqa: S608  # constants
"""Mails to a person, the first parameter, wherever they were reached."""
# What a server answered may name whom it was asked for.
_UNADDRESS = f"""
    WITH theirs AS (
        UPDATE mails SET recipient = $2, reason = regexp_replace(reason, '{ADDRESS}', $2, 'g')
        WHERE mail_id = ANY($1::uuid[])
    )
    UPDATE attempts SET answer = regexp_replace(answer, '{ADDRESS}', $2, 'g')
    WHERE mail_id = ANY($1::uuid[])
"""  # noqa: S608  # constants
