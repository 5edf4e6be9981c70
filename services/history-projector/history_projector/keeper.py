"""Which generations this process takes in records for: it looks at their rows, and needs no restart."""

import asyncio
import math
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import NamedTuple

import structlog
from prometheus_client import Gauge
from relato_contracts.topics import TICKETS
from relato_runtime import background, database, stopping
from relato_runtime.consume import Consumer
from relato_runtime.database import Pool
from relato_runtime.readiness import Readiness
from relato_runtime.taking import Taking

from history_projector import consume, ends, generations, making, moving, parked
from history_projector.consume import Projector
from history_projector.settings import ProjectorSettings

log = structlog.get_logger(__name__)

PARKED = Gauge("relato_parked_tickets", "Tickets whose stream cannot go on", ["generation"])
LIVE = Gauge("relato_live_generation", "Number of the generation that people read")
_LOOK_SECONDS = 0.5
_WORK_SECONDS = 0.5
_MEASURE_SECONDS = 5


class _Running(NamedTuple):
    projector: Projector
    pool: Pool
    taking: Taking
    lacks: Readiness
    stack: AsyncExitStack


class Keeper:
    """The consumers of one process, each with its own pool and loop; processes share their partitions."""

    def __init__(self, settings: ProjectorSettings, pool: Pool, readiness: Readiness) -> None:
        self._settings = settings
        self._pool = pool
        self._readiness = readiness
        self._running: dict[int, _Running] = {}

    async def keep(self) -> None:
        """Begin and end consumers as the rows say, until cancelled."""
        try:
            while True:
                async with self._pool.acquire() as connection:
                    every = await generations.every(connection)
                wanted = {each.number for each in every if each.consumes and each.shape == generations.SHAPE}
                for number in self._running.keys() - wanted:
                    await self._end(number)
                for number in sorted(wanted - self._running.keys()):
                    await self._begin(number)
                live = next((each.number for each in every if each.state == "live"), None)
                LIVE.set(live or math.nan)
                for number, running in self._running.items():
                    running.projector.live = number == live
                self._tell(live if live in wanted else None)
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            LIVE.set(math.nan)

    async def work(self) -> None:
        """Make and remove generations that are to be made and removed; one process at a time does each."""
        while True:
            async with self._pool.acquire() as connection:
                every = await generations.every(connection)
            for each in every:
                if each.state == "preparing" and each.shape == generations.SHAPE:
                    await self._prepare(each.number)
                elif each.state == "dropping" and each.number not in self._running:
                    await self._drop(each.number)
            self._readiness.has("work")
            await asyncio.sleep(_WORK_SECONDS)

    async def measure(self) -> None:
        """Note how fast generations go on, and how many tickets wait in them."""
        while True:
            await generations.measure(self._pool)
            for number, running in list(self._running.items()):
                async with running.pool.acquire() as connection:
                    PARKED.labels(number).set(await parked.count(connection))
            self._readiness.has("measure")
            await asyncio.sleep(_MEASURE_SECONDS)

    def taking(self, name: str) -> Taking:
        """How a generation takes in a record by hand, by its consumer's name; KeyError where none does."""
        return {generations.consumer(number): each.taking for number, each in self._running.items()}[name]

    async def close(self) -> None:
        """End all consumers."""
        await asyncio.gather(*(self._end(number) for number in list(self._running)))

    async def _begin(self, number: int) -> None:
        name = generations.consumer(number)
        await moving.begin(self._settings, self._pool, number)
        lacks = Readiness(name)
        projector = Projector(number)
        url = generations.address(self._settings.database_url.get_secret_value(), number)
        async with AsyncExitStack() as stack:
            pool = await stack.enter_async_context(database.open_pool(url, size=2, by_key=True))
            consumer = Consumer(
                self._settings,
                pool,
                name=name,
                service="history-projector",
                topics=consume.TOPICS,
                apply=projector.apply,
                broken=projector.broken,
                on_commit=projector.committed,
                readiness=lacks,
                part=name,
                max_records=self._settings.batch_records,
            )
            taking = replace(consumer.taking, given_up=parked.given_up)
            await stack.enter_async_context(
                background.running({name: consumer.run}, lacks, patience=stopping.ONE_LOOP)
            )
            self._running[number] = _Running(projector, pool, taking, lacks, stack.pop_all())
        log.info("generation taken up", generation=number)

    async def _end(self, number: int) -> None:
        await self._running.pop(number).stack.aclose()
        PARKED.remove(number)
        log.info("generation left", generation=number)

    def _tell(self, live: int | None) -> None:
        """What the live generation lacks, this process lacks; one that is built holds nobody up."""
        missing = {} if live is None else self._running[live].lacks.missing
        if missing:
            self._readiness.lacks("live generation", "; ".join(missing.values()))
        else:
            self._readiness.has("live generation")

    async def _prepare(self, number: int) -> None:
        """Make a generation that is to be built, in one transaction and one snapshot with the live one."""
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read"),
        ):
            if not await generations.claim(connection, number, "preparing"):
                return
            await making.make(connection, number)
            live = await generations.live(connection)
            topic = self._settings.topic_prefix + TICKETS.name
            await making.take_over(connection, number, live, topic)
            await generations.become(connection, number, "building")

    async def _drop(self, number: int) -> None:
        """Remove a generation once no process takes in records for it any more."""
        if not await ends.forget(self._settings, generations.consumer(number)):
            return
        async with self._pool.acquire() as connection, connection.transaction():
            if await generations.claim(connection, number, "dropping"):
                await making.drop(connection, number)
