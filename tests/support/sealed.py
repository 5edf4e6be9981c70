"""A log that is sealed: its key, events in it as commands put them there, and what was published."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path

import asyncpg
from notes import handle, signing
from notes.proof import chaining, heads
from notes.proof.heads import Sealed
from relato_contracts.envelope import serialise, type_name
from relato_contracts.notes import NoteEvent
from relato_contracts.topics import HEADS
from relato_runtime.settings import KafkaSettings

from tests.support import stream as a
from tests.support.topics import read_all

_EVENTS = """
    WITH given AS (
        SELECT ticket_id, type, subject_id, data::json, coalesce(version, 0) AS last
        FROM unnest($1::text[], $3::text[], $4::uuid[], $5::text[])
            AS said (ticket_id, type, subject_id, data)
        LEFT JOIN streams USING (ticket_id)
    ), logged AS (
        INSERT INTO events
            (ticket_id, version, seq, event_id, type, subject_id, actor, correlation_id, recorded_at, data)
        SELECT ticket_id, version, nextval('events_seq'), uuidv7(), type, subject_id, 'ana', 'c',
            now() - $6::interval, data
        FROM given, generate_series(last + 1, last + $2::int) AS version
        RETURNING ticket_id, version
    )
    INSERT INTO streams (ticket_id, version) SELECT ticket_id, max(version) FROM logged GROUP BY ticket_id
    ON CONFLICT (ticket_id) DO UPDATE SET version = excluded.version
"""


def said(ticket_id: str) -> NoteEvent:
    """What Ana recorded: with a description, a solution, a time, and minutes."""
    return a.recorded(1, ticket_id=ticket_id, solution_html="<p>Cabo trocado</p>", **a.ANA)


def new_key(path: Path) -> str:
    """A private key in a file; the file's name."""
    path.write_text(signing.generated())
    return str(path)


async def record(
    log: asyncpg.Connection,
    ticket_ids: Iterable[str],
    each: int = 1,
    *,
    fact: Callable[[str], NoteEvent] = said,
    ago: timedelta = timedelta(0),
) -> None:
    """Put more events of each of these tickets into the log, chained."""
    given = list(ticket_ids)
    facts = [fact(ticket_id) for ticket_id in given]
    async with log.transaction():
        await log.execute(
            _EVENTS,
            *(given, each),
            [type_name(type(one)) for one in facts],
            [handle.subject(one) for one in facts],
            [serialise(one).decode() for one in facts],
            ago,
        )
        await chaining.locked(log, given)


async def published(settings: KafkaSettings, count: int) -> list[Sealed]:
    """What ``relato.heads`` has, once that is so much."""
    found = [heads.read(each) for each in await read_all(settings, HEADS, count=count)]
    return [each for each in found if each is not None]
