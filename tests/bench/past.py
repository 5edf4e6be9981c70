"""A past: tickets with facts as commands would have left them, made in SQL and taken in by the services."""

import os
from collections.abc import Mapping, Sequence
from itertools import groupby

from relato_runtime.database import Connection

from tests.bench import facts
from tests.bench.company import GROUP, REQUESTER
from tests.bench.scene import Scene, connected
from tests.support import world

FEW = 10_000
MANY = int(os.environ.get("RELATO_BENCH_GROWN", "1_000_000"))
EACH = 20
"""Facts of each ticket: 50,000 tickets for 1,000,000 facts."""
_AT_ONCE = 100_000


async def begin(scene: Scene) -> None:
    """What there is before anything is measured."""
    await settled(scene, {f"F{number}": EACH for number in range(FEW // EACH)})


async def grow(scene: Scene) -> None:
    """What has come to be after years."""
    await settled(scene, {f"G{number}": EACH for number in range((MANY - FEW) // EACH)})


async def settled(scene: Scene, lengths: Mapping[str, int]) -> None:
    """Tickets with so many facts each, known everywhere; those that are there already stay as they are."""
    async with connected(scene.database("notes")) as log:
        known = {
            each["ticket_id"] for each in await log.fetch("SELECT ticket_id FROM streams WHERE version > 0")
        }
        new = sorted(lengths.keys() - known, key=lengths.__getitem__)
        if not new:
            return
        saved = (
            world.ticket(each, requester_id=REQUESTER, group_id=GROUP, responsible_id=None) for each in new
        )
        await facts.publish(scene.kafka, (world.record(scene.kafka, each) for each in saved))
        await scene.level()
        for length, tickets in groupby(new, key=lengths.__getitem__):
            await lay(log, list(tickets), length)
        await scene.level()
        await log.execute("VACUUM ANALYZE", timeout=1_800)
    async with connected(scene.database("history")) as models:
        await models.execute("VACUUM ANALYZE", timeout=1_800)


async def events(scene: Scene) -> int:
    """How many there are in the log."""
    async with connected(scene.database("notes")) as log:
        return int(await log.fetchval("SELECT count(*) FROM events"))


async def tickets(scene: Scene) -> int:
    """How many tickets there are that anything was recorded of."""
    async with connected(scene.database("notes")) as log:
        return int(await log.fetchval("SELECT count(*) FROM streams WHERE version > 0"))


async def lay(log: Connection, tickets: Sequence[str], each: int) -> None:
    """So many facts of each of these new tickets into a log, every third of them visible to its requester."""
    at_once = max(1, _AT_ONCE // len(tickets))
    for first in range(1, each + 1, at_once):
        last = min(first + at_once - 1, each)
        await log.execute(_LAY, list(tickets), first, last, each, timeout=600)


_LAY = """
WITH given AS (
    SELECT ticket_id, version, uuidv7() AS occurrence_id
    FROM unnest($1::text[]) AS ticket_id, generate_series($2::int, $3::int) AS version
    ORDER BY version
), logged AS (
    INSERT INTO events
        (ticket_id, version, seq, event_id, type, subject_id, actor, correlation_id, recorded_at, data)
    SELECT ticket_id, version, nextval('events_seq'), gen_random_uuid(),
        'relato.OccurrenceRecorded.v1', occurrence_id, 'bench-1', gen_random_uuid()::text,
        now() - ($4::int - version) * interval '1 second',
        json_build_object(
            'ticket_id', ticket_id, 'requester_id', 'bench-requester', 'author_id', 'bench-1',
            'author_name', 'Bench 1', 'occurrence_id', occurrence_id,
            'description_html', '<p>' || repeat('Troquei o cabo de rede da sala. ', 8) || '</p>',
            'description_text', repeat('Troquei o cabo de rede da sala. ', 8),
            'occurred_at', '2026-01-05T13:00:00Z', 'time_spent_minutes', 5, 'channel', 'execution',
            'visible_to_requester', version % 3 = 0, 'notify_by_email', false
        )
    FROM given
    RETURNING seq, ticket_id, version
), waiting AS (
    INSERT INTO outbox (seq, ticket_id, version) SELECT seq, ticket_id, version FROM logged
)
INSERT INTO streams (ticket_id, version, recorded_at) SELECT unnest($1::text[]), $3, now()
ON CONFLICT (ticket_id) DO UPDATE SET version = excluded.version, recorded_at = excluded.recorded_at
"""
