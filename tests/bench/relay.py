"""From the outbox to acknowledged by Kafka, beside a bare idempotent producer with the same records."""

import asyncio
import time

import asyncpg
from notes.outbox import pending
from notes.records import record_of
from notes.relay import Relay
from notes.settings import NotesSettings
from pydantic import SecretStr
from relato_contracts.topics import NOTES
from relato_runtime import database, kafka
from relato_runtime.readiness import Readiness

from tests.bench.scene import Figures, Scene, nothing_waits
from tests.support.waiting import until

_EVENTS = 60_000
_ROUNDS = 3


async def measure(scene: Scene) -> Figures:
    """Records a second of both, the median of several rounds in turn, and their ratio."""
    url = await scene.new_database("relaybench")
    await database.migrate(url, "notes")
    settings = NotesSettings(
        database_url=SecretStr(url),
        kafka_bootstrap=scene.kafka.kafka_bootstrap,
        topic_prefix="relaybench.",
        oidc_issuer="http://127.0.0.1/unused",
    )
    await kafka.create_topics(settings, [NOTES], partitions=12)
    connection = await asyncpg.connect(url)
    rates, limits = [], []
    for round_ in range(_ROUNDS):
        await _fill(connection, round_)
        limits.append(await _bare(settings, connection))
        rates.append(await _relay(settings, connection))
    await connection.close()
    rate, limit = sorted(rates)[_ROUNDS // 2], sorted(limits)[_ROUNDS // 2]
    return {"rate": round(rate), "limit": round(limit), "ratio": round(rate / limit, 2), "wanted": 0.8}


async def _fill(connection: "asyncpg.Connection[asyncpg.Record]", round_: int) -> None:
    await connection.execute(
        """
        WITH logged AS (
            INSERT INTO events
                (ticket_id, version, seq, event_id, type, actor, correlation_id, recorded_at, data)
            SELECT 'B' || n % 2000, n / 2000 + 1 + $2, nextval('events_seq'), gen_random_uuid(),
                'relato.OccurrenceRecorded.v1', 'carlos', gen_random_uuid()::text, now(),
                json_build_object('ticket_id', 'B' || n % 2000, 'description_html', repeat('Cabo novo. ', 38))
            FROM generate_series(0, $1::int - 1) AS n
            RETURNING seq, ticket_id, version
        )
        INSERT INTO outbox (seq, ticket_id, version) SELECT seq, ticket_id, version FROM logged
        """,
        _EVENTS,
        round_ * (_EVENTS // 2_000 + 1),
    )
    await connection.execute("VACUUM ANALYZE outbox, events")


async def _bare(settings: NotesSettings, connection: "asyncpg.Connection[asyncpg.Record]") -> float:
    topic = settings.topic_prefix + NOTES.name
    records = [record_of(topic, event) for event in await pending(connection, _EVENTS)]
    async with kafka.producing(settings, linger_ms=2) as producer:
        started = time.perf_counter()
        acknowledged = [
            await producer.send(each.topic, value=each.value, key=each.key, headers=list(each.headers))
            for each in records
        ]
        await asyncio.gather(*acknowledged)
        return len(records) / (time.perf_counter() - started)


async def _relay(settings: NotesSettings, connection: "asyncpg.Connection[asyncpg.Record]") -> float:
    started = time.perf_counter()
    task = asyncio.create_task(Relay(settings, Readiness(), "relay").run())
    try:
        await until(lambda: nothing_waits(connection), within=120, what="the outbox to be empty")
        return _EVENTS / (time.perf_counter() - started)
    finally:
        task.cancel()
        await asyncio.wait([task])
