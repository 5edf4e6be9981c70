"""The event log: all SQL that commands run."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import TypeAdapter
from relato_contracts.envelope import FACTS
from relato_contracts.notes import OccurrenceFact
from relato_runtime.database import Connection, Pool

from notes.state import State


@dataclass(frozen=True, slots=True)
class Stream:
    """A ticket's stream, locked until the transaction ends."""

    state: State
    recorded_at: datetime
    head: bytes | None = None
    """The last hash of its chain; none before its first event."""
    chained: int = 0
    """Up to which version its events are chained: all, unless a release before this one recorded some."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event as it is appended; ``data`` is the fact as it goes to Kafka."""

    event_id: UUID
    ticket_id: str
    version: int
    type: str
    subject_id: UUID | None
    actor: str
    correlation_id: str
    traceparent: str | None
    recorded_at: datetime
    data: str
    salt: bytes | None
    """Without which nobody learns from its commitment what it says."""
    openings: str | None = None
    """In its place, of an event whose texts are erased."""
    request: str | None = None
    """What Kafka is to keep of the request that it came with (see ``requested``)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered to a request that carried an idempotency key."""

    person_id: str
    key: str
    request_hash: bytes
    response: Mapping[str, object]


async def open_streams(connection: Connection, ticket_ids: Iterable[str]) -> None:
    """Make the streams of these tickets that are not there yet."""
    await connection.execute(
        "INSERT INTO streams (ticket_id) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING",
        sorted(set(ticket_ids)),
    )


async def lock_streams(connection: Connection, ticket_ids: Sequence[str]) -> dict[str, Stream]:
    """Lock the streams of these tickets, always in the same order; unknown tickets have none."""
    rows = await connection.fetch(
        """
        SELECT ticket_id, version, seen_up_to, shown_version, recorded_at, head, chained FROM streams
        WHERE ticket_id = ANY($1::text[]) ORDER BY ticket_id FOR UPDATE
        """,
        sorted(set(ticket_ids)),
    )
    return {
        row["ticket_id"]: Stream(
            State(row["version"], row["seen_up_to"], row["shown_version"]),
            *(row["recorded_at"], row["head"], row["chained"]),
        )
        for row in rows
    }


async def facts_about(
    connection: Connection, subject_ids: Sequence[UUID]
) -> list[tuple[str, int, OccurrenceFact]]:
    """Ticket, version and fact of all that happened to these occurrences, in order."""
    rows = await connection.fetch(
        """
        SELECT ticket_id, version, type, data::text FROM events
        WHERE subject_id = ANY($1::uuid[]) ORDER BY ticket_id, version
        """,
        subject_ids,
    )
    return [(row["ticket_id"], row["version"], _occurrence_fact(row["type"], row["data"])) for row in rows]


async def answers(connection: Connection, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Answer]:
    """What was answered before, by person and key."""
    rows = await connection.fetch(
        """
        SELECT person_id, key, request_hash, response::text FROM idempotency_keys
        WHERE (person_id, key) IN (SELECT * FROM unnest($1::text[], $2::text[]))
        """,
        [person_id for person_id, _ in keys],
        [key for _, key in keys],
    )
    return {
        (row["person_id"], row["key"]): Answer(
            row["person_id"], row["key"], row["request_hash"], json.loads(row["response"])
        )
        for row in rows
    }


async def append(
    connection: Connection,
    events: Sequence[NewEvent],
    hashes: Sequence[bytes],
    streams: Mapping[str, Stream],
    new_answers: Sequence[Answer],
) -> None:
    """Write events with their hashes, their outbox rows, the streams as they now are, and the answers.

    A version or an id that is there already is an error, never skipped: it would mean that the
    stream lock did not hold.
    """
    ticket_ids = sorted({event.ticket_id for event in events})
    now = [streams[ticket_id] for ticket_id in ticket_ids]
    heads = {(event.ticket_id, event.version): each for event, each in zip(events, hashes, strict=True)}
    answers = sorted(new_answers, key=lambda answer: (answer.person_id, answer.key))
    await connection.execute(
        _APPEND,
        [event.ticket_id for event in events],
        [event.version for event in events],
        [event.event_id for event in events],
        [event.type for event in events],
        [event.subject_id for event in events],
        [event.actor for event in events],
        [event.correlation_id for event in events],
        [event.traceparent for event in events],
        [event.recorded_at for event in events],
        [event.data for event in events],
        ticket_ids,
        [stream.state.version for stream in now],
        [stream.state.seen_up_to for stream in now],
        [stream.state.shown_version for stream in now],
        [stream.recorded_at for stream in now],
        [answer.person_id for answer in answers],
        [answer.key for answer in answers],
        [answer.request_hash for answer in answers],
        [json.dumps(answer.response) for answer in answers],
        [event.request for event in events],
        [event.salt for event in events],
        [event.openings for event in events],
        hashes,
        [
            heads.get((ticket_id, streams[ticket_id].state.version), streams[ticket_id].head)
            for ticket_id in ticket_ids
        ],
    )


_APPEND = """
WITH given AS (
    SELECT nextval('events_seq') AS seq, event.*
    FROM (
        SELECT * FROM unnest(
            $1::text[], $2::int[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::text[],
            $8::text[], $9::timestamptz[], $10::text[], $20::text[], $21::bytea[], $22::text[], $23::bytea[]
        ) WITH ORDINALITY AS event (
            ticket_id, version, event_id, type, subject_id, actor, correlation_id,
            traceparent, recorded_at, data, request, salt, openings, hash, place
        )
        ORDER BY place
    ) AS event
), logged AS (
    INSERT INTO events (
        ticket_id, version, seq, event_id, type, subject_id, actor, correlation_id,
        traceparent, recorded_at, data, salt, openings, hash
    )
    SELECT
        ticket_id, version, seq, event_id, type, subject_id, actor, correlation_id,
        traceparent, recorded_at, data::json, salt, openings::json, hash
    FROM given
), moved AS (
    UPDATE streams
    SET version = now.version, seen_up_to = now.seen_up_to, shown_version = now.shown_version,
        recorded_at = now.recorded_at, chained = now.version, head = now.head
    FROM unnest($11::text[], $12::int[], $13::int[], $14::int[], $15::timestamptz[], $24::bytea[])
        AS now (ticket_id, version, seen_up_to, shown_version, recorded_at, head)
    WHERE streams.ticket_id = now.ticket_id
), answered AS (
    INSERT INTO idempotency_keys (person_id, key, request_hash, response)
    SELECT person_id, key, request_hash, response::json
    FROM unnest($16::text[], $17::text[], $18::bytea[], $19::text[])
        AS answer (person_id, key, request_hash, response)
)
INSERT INTO outbox (seq, ticket_id, version, request) SELECT seq, ticket_id, version, request FROM given
"""


_OCCURRENCE_FACT: TypeAdapter[OccurrenceFact] = TypeAdapter(OccurrenceFact)


def _occurrence_fact(type_name: str, data: str) -> OccurrenceFact:
    return _OCCURRENCE_FACT.validate_python(FACTS[type_name].model_validate_json(data))


async def forget_answers(pool: Pool, older_than: timedelta) -> None:
    """Remove answers to requests that nobody will send again."""
    await pool.execute("DELETE FROM idempotency_keys WHERE created_at < now() - $1::interval", older_than)
