"""From the outbox to acknowledged by Kafka, beside a bare idempotent producer with the same records."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median

from notes.outbox import pending
from notes.records import record_of
from notes.relay import Relay
from notes.settings import NotesSettings
from pydantic import SecretStr
from relato_contracts.topics import NOTES
from relato_runtime import database, kafka
from relato_runtime.database import Connection
from relato_runtime.readiness import Readiness

from tests.bench import past, results
from tests.bench.scene import Scene, connected, nothing_waits
from tests.support.waiting import until

_TICKETS = 2_000
_EACH = 30
_ROUNDS = 3


async def measure(scene: Scene, events: int = past.FEW) -> results.Relay:
    """Records a second of both, the median of several rounds in turn, in a log of so many events.

    Both have started, and the relay leads, before what is to be published is there.
    """
    url = await scene.new_database("relaybench")
    await database.migrate(url, "notes")
    ours, bare = [
        NotesSettings(
            database_url=SecretStr(url),
            kafka_bootstrap=scene.kafka.kafka_bootstrap,
            topic_prefix=f"{name}{events}.",
            oidc_issuer="http://127.0.0.1/unused",
        )
        for name in ("relaybench", "barebench")
    ]
    rates, limits = [], []
    async with scene.alone(), connected(url) as log:
        for settings in (ours, bare):
            await kafka.create_topics(settings, [NOTES], partitions=12)
        await past.lay(log, [f"P{number}" for number in range(events // past.EACH)], past.EACH)
        await log.execute("TRUNCATE outbox")
        for round_ in range(_ROUNDS):
            await past.lay(log, [f"B{round_}-{number}" for number in range(_TICKETS)], _EACH)
            await log.execute("VACUUM ANALYZE", timeout=600)
            limits.append(await _bare(bare, log))
            rates.append(await _relay(ours, log))
    rate, limit = median(rates), median(limits)
    return results.Relay(rate=round(rate), limit=round(limit), ratio=round(rate / limit, 3), past=events)


async def _bare(settings: NotesSettings, log: Connection) -> float:
    topic = settings.topic_prefix + NOTES.name
    records = [record_of(topic, event) for event in await pending(log, _TICKETS * _EACH)]
    async with kafka.producing(settings, linger_ms=2) as producer:
        started = time.perf_counter()
        acknowledged = [
            await producer.send(each.topic, value=each.value, key=each.key, headers=list(each.headers))
            for each in records
        ]
        await asyncio.gather(*acknowledged)
        return len(records) / (time.perf_counter() - started)


async def _relay(settings: NotesSettings, log: Connection) -> float:
    """What the bare producer had, put back into the outbox at once while the relay looks into it."""
    await log.execute("CREATE TEMPORARY TABLE again AS TABLE outbox; TRUNCATE outbox")
    async with _leading(settings):
        await log.execute("INSERT INTO outbox TABLE again; DROP TABLE again")
        started = time.perf_counter()
        await until(lambda: nothing_waits(log), within=120, what="the outbox to be empty")
        return _TICKETS * _EACH / (time.perf_counter() - started)


@asynccontextmanager
async def _leading(settings: NotesSettings) -> AsyncIterator[None]:
    """A relay in this process that has the lease, a topic level with its log, and a producer."""
    readiness = Readiness("relay")
    task = asyncio.create_task(Relay(settings, readiness, "relay").run())

    async def leads() -> bool:
        return task.done() or not readiness.missing

    try:
        await until(leads, within=60, what="the relay to lead")
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
