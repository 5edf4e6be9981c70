"""Composition root of the history projector."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI
from prometheus_client import Gauge
from relato_runtime import background, database
from relato_runtime.consume import Consumer
from relato_runtime.database import Pool
from relato_runtime.http import create_app
from relato_runtime.readiness import Readiness

from history_projector import consume, generations, parked, reference
from history_projector.consume import Projector
from history_projector.settings import ProjectorSettings

PARKED = Gauge("relato_parked_tickets", "Tickets whose stream cannot go on", ["generation"])
_MEASURE_SECONDS = 5


def build(settings: ProjectorSettings) -> FastAPI:
    """The service as an application; it begins to work with its lifespan."""
    readiness = Readiness("database", "reference", "measure")

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            url = settings.database_url.get_secret_value()
            await database.migrate(url, "history_projector")
            pool = await stack.enter_async_context(await database.open_pool(url, size=settings.database_pool))
            numbers = await generations.consuming(pool)
            readiness.has("database")
            loops: dict[str, background.Loop] = {
                "reference": Consumer(
                    settings,
                    pool,
                    name="history-reference",
                    service="history-projector",
                    topics=reference.TOPICS,
                    apply=reference.apply,
                    readiness=readiness,
                    part="reference",
                ).run
            }
            pools: dict[int, Pool] = {}
            for number in numbers:
                readiness.lacks(generations.consumer(number), "not started yet")
                pools[number] = await stack.enter_async_context(
                    await database.open_pool(generations.address(url, number), size=2, by_key=True)
                )
                loops[generations.consumer(number)] = _consumer(
                    settings, pools[number], number, readiness
                ).run
            loops["measure"] = lambda: _measure(pool, pools, readiness)
            await stack.enter_async_context(background.running(loops, readiness))
            yield

    return create_app(
        "Relato history projector", api="/api/history-projector", readiness=readiness, lifespan=lifespan
    )


def _consumer(settings: ProjectorSettings, pool: Pool, generation: int, readiness: Readiness) -> Consumer:
    projector = Projector(generation)
    return Consumer(
        settings,
        pool,
        name=generations.consumer(generation),
        service="history-projector",
        topics=consume.TOPICS,
        apply=projector.apply,
        broken=projector.broken,
        readiness=readiness,
        part=generations.consumer(generation),
        max_records=settings.batch_records,
    )


async def _measure(pool: Pool, pools: dict[int, Pool], readiness: Readiness) -> None:
    while True:
        await generations.measure(pool)
        for number, own in pools.items():
            async with own.acquire() as connection:
                PARKED.labels(number).set(await parked.count(connection))
        readiness.has("measure")
        await asyncio.sleep(_MEASURE_SECONDS)
