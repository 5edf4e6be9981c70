"""What a company with a long past feels of it: the same figures with few events and with a million."""

import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tests.bench import commands, end_to_end, history
from tests.bench.scene import Figures, Scene, connected

_EVENTS = int(os.environ.get("RELATO_BENCH_GROWN", "1_000_000"))
_TICKETS = 50_000
_AT_ONCE = 100_000


async def measure(scene: Scene, before: Mapping[str, Any]) -> Figures:
    """Ratios of what was measured with few events to the same with many; 1 is as before, more is worse."""
    few = await _events(scene)
    before = {name: before.get(name) or await measure(scene) for name, measure in _MEASURES.items()}
    await _grow(scene)
    after = {name: await measure(scene) for name, measure in _MEASURES.items()}
    ratios = {
        **{
            f"commands_{one['clients']}": one["rate"] / other["rate"]
            for one, other in zip(before["commands"], after["commands"], strict=True)
        },
        "pages": before["history"]["pages_per_second"] / after["history"]["pages_per_second"],
        **{
            where: after["end_to_end"][where]["p50_ms"] / before["end_to_end"][where]["p50_ms"]
            for where in ("executor", "requester", "stream", "mail")
        },
    }
    return {
        "events_before": few,
        "events": await _events(scene),
        "ratios": {name: round(ratio, 2) for name, ratio in ratios.items()},
        "ratio": round(max(ratios.values()), 2),
        "wanted_at_most": 1.15,
        "after": after,
        "bytes_per_event": await _sizes(scene),
    }


_MEASURES: Mapping[str, Callable[[Scene], Awaitable[Any]]] = {
    "commands": commands.measure,
    "history": history.measure,
    "end_to_end": end_to_end.measure,
}


async def _grow(scene: Scene) -> None:
    """Events as commands would have left them, relayed and projected by the services themselves."""
    async with connected(scene.database("notes")) as log:
        await log.execute(
            "INSERT INTO streams (ticket_id) SELECT 'G' || n FROM generate_series(0, $1::int - 1) AS n "
            "ON CONFLICT DO NOTHING",
            _TICKETS,
        )
        for start in range(0, _EVENTS, _AT_ONCE):
            await log.execute(_PAST, start, min(start + _AT_ONCE, _EVENTS) - 1, _TICKETS)
        await log.execute(
            "UPDATE streams SET recorded_at = now(), "
            "version = (SELECT max(version) FROM events WHERE ticket_id = streams.ticket_id) "
            "WHERE ticket_id LIKE 'G%'"
        )
        await scene.level()
        await log.execute("VACUUM ANALYZE")
    async with connected(scene.database("history")) as models:
        await models.execute("VACUUM ANALYZE")


_PAST = """
WITH logged AS (
    INSERT INTO events
        (ticket_id, version, seq, event_id, type, subject_id, actor, correlation_id, recorded_at, data)
    SELECT 'G' || n % $3, n / $3 + 1, nextval('events_seq'), gen_random_uuid(),
        'relato.OccurrenceRecorded.v1', occurrence_id, 'bench-1', gen_random_uuid()::text, now(),
        json_build_object(
            'ticket_id', 'G' || n % $3, 'requester_id', 'bench-requester', 'author_id', 'bench-1',
            'author_name', 'Bench 1', 'occurrence_id', occurrence_id,
            'description_html', '<p>' || repeat('Troquei o cabo de rede da sala. ', 8) || '</p>',
            'description_text', repeat('Troquei o cabo de rede da sala. ', 8),
            'occurred_at', '2026-01-05T13:00:00Z', 'time_spent_minutes', 5, 'channel', 'execution',
            'visible_to_requester', n % 3 = 0, 'notify_by_email', false
        )
    FROM (SELECT n, uuidv7() AS occurrence_id FROM generate_series($1::int, $2::int) AS n) AS given
    RETURNING seq, ticket_id, version
)
INSERT INTO outbox (seq, ticket_id, version) SELECT seq, ticket_id, version FROM logged
"""


async def _events(scene: Scene) -> int:
    async with connected(scene.database("notes")) as log:
        return int(await log.fetchval("SELECT count(*) FROM events"))


async def _sizes(scene: Scene) -> dict[str, dict[str, int]]:
    """Bytes of each large table and of its indexes, for each event in the log."""
    events = await _events(scene)
    sizes: dict[str, dict[str, int]] = {}
    for database in ("notes", "history"):
        async with connected(scene.database(database)) as connection:
            rows = await connection.fetch(
                """
                SELECT relname, pg_table_size(oid) AS rows, pg_indexes_size(oid) AS indexes
                FROM pg_class WHERE relkind = 'r' AND pg_total_relation_size(oid) > 10000000 ORDER BY relname
                """
            )
        for row in rows:
            sizes[row["relname"]] = {"rows": row["rows"] // events, "indexes": row["indexes"] // events}
    return sizes
