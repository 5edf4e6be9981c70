"""How fast a log is compared with its topic: events made in SQL, relayed, and then verified as a job."""

import asyncio
import os
import resource
import time

import asyncpg
from notes.relay import Relay
from notes.settings import NotesSettings
from notes.verify import verify
from pydantic import SecretStr
from relato_contracts.topics import NOTES
from relato_runtime import database, jobs, kafka, working
from relato_runtime.auth import Caller
from relato_runtime.operations import Operation
from relato_runtime.readiness import Readiness
from relato_runtime.settings import KafkaSettings

from tests.bench.scene import Figures, Scene, nothing_waits
from tests.support.waiting import until

_EVENTS = int(os.environ.get("RELATO_BENCH_EVENTS", "1000000"))
_AIM_SECONDS = 120
_WHO = Caller("olga", "Olga", frozenset({"operator"}))


async def measure(scene: Scene) -> Figures:
    """Seconds for so many events, beside the aim."""
    return await of(await scene.new_database("verifybench"), scene.kafka)


async def of(url: str, cluster: KafkaSettings) -> Figures:
    """The same with a new database and a cluster."""
    await database.migrate(url, "notes")
    settings = NotesSettings(
        database_url=SecretStr(url),
        kafka_bootstrap=cluster.kafka_bootstrap,
        topic_prefix="verifybench.",
        oidc_issuer="http://127.0.0.1/unused",
    )
    await kafka.create_topics(settings, [NOTES], partitions=12)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_FILL, _EVENTS, timeout=1_800)
        await connection.execute("VACUUM ANALYZE", timeout=1_800)
        await _relayed(settings, connection)
        async with connection.transaction():
            await jobs.begin(
                connection, Operation("events", "verify", _WHO, "", False), {"outbox_seconds": 60}, None
            )
        started = time.perf_counter()
        async with database.open_pool(url, by_key=True) as pool:
            work = {"verify": lambda job: verify(settings, job)}
            running = asyncio.create_task(working.work(pool, work, Readiness("jobs"), "jobs"))

            async def ended() -> bool:
                return bool(await connection.fetchval("SELECT every(finished_at IS NOT NULL) FROM jobs"))

            await until(ended, within=1_800, what="an end of the verification")
            took = time.perf_counter() - started
            running.cancel()
            await asyncio.wait({running})
        wrong: int = await connection.fetchval("SELECT count(*) FROM job_findings")
    finally:
        await connection.close()
    assert wrong == 0, f"{wrong} findings where nothing is wrong"
    return {
        "events": _EVENTS,
        "seconds": round(took, 1),
        "wanted_seconds": _AIM_SECONDS,
        "rate": round(_EVENTS / took),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


async def _relayed(settings: NotesSettings, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    task = asyncio.create_task(Relay(settings, Readiness(), "relay").run())
    try:
        await until(lambda: nothing_waits(connection), within=1_800, what="the outbox to be empty")
    finally:
        task.cancel()
        await asyncio.wait([task])


_FILL = """
    WITH logged AS (
        INSERT INTO events
            (ticket_id, version, seq, event_id, type, actor, correlation_id, recorded_at, data)
        SELECT 'B' || n % 20000, n / 20000 + 1, nextval('events_seq'), gen_random_uuid(),
            'relato.OccurrenceRecorded.v1', 'carlos', gen_random_uuid()::text, now(),
            json_build_object('ticket_id', 'B' || n % 20000, 'description_html', repeat('Cabo novo. ', 38))
        FROM generate_series(0, $1::int - 1) AS n
        RETURNING seq, ticket_id, version
    ), streamed AS (
        INSERT INTO streams (ticket_id, version) SELECT ticket_id, max(version) FROM logged GROUP BY ticket_id
    )
    INSERT INTO outbox (seq, ticket_id, version) SELECT seq, ticket_id, version FROM logged
"""
