"""A log that is sealed: its key, events in it as commands put them there, and what was published."""

from collections.abc import Iterable
from pathlib import Path

import asyncpg
from notes import signing
from notes.proof import chaining, heads
from notes.proof.heads import Sealed
from relato_contracts.topics import HEADS
from relato_runtime.settings import KafkaSettings

from tests.support.topics import read_all

_EVENTS = """
    WITH given AS (
        SELECT ticket_id, coalesce(version, 0) AS last
        FROM unnest($1::text[]) AS ticket_id LEFT JOIN streams USING (ticket_id)
    ), logged AS (
        INSERT INTO events (ticket_id, version, seq, event_id, type, actor, correlation_id, recorded_at, data)
        SELECT ticket_id, version, nextval('events_seq'), uuidv7(), 'relato.HistoryViewed.v1', 'ana', 'c',
            now(), json_build_object(
                'ticket_id', ticket_id, 'requester_id', 'ana', 'author_id', 'ana', 'author_name', 'Ana',
                'viewer_id', 'ana', 'up_to_version', version)
        FROM given, generate_series(last + 1, last + $2::int) AS version
        RETURNING ticket_id, version
    )
    INSERT INTO streams (ticket_id, version) SELECT ticket_id, max(version) FROM logged GROUP BY ticket_id
    ON CONFLICT (ticket_id) DO UPDATE SET version = excluded.version
"""


def new_key(path: Path) -> str:
    """A private key in a file; the file's name."""
    path.write_text(signing.generated())
    return str(path)


async def record(log: asyncpg.Connection, ticket_ids: Iterable[str], each: int = 1) -> None:
    """Put more events of each of these tickets into the log, chained."""
    given = list(ticket_ids)
    async with log.transaction():
        await log.execute(_EVENTS, given, each)
        await chaining.locked(log, given)


async def published(settings: KafkaSettings, count: int) -> list[Sealed]:
    """What ``relato.heads`` has, once that is so much."""
    found = [heads.read(each) for each in await read_all(settings, HEADS, count=count)]
    return [each for each in found if each is not None]
