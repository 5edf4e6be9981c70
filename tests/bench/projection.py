"""Rebuilding the read models from the log, by one process and by two, beside COPY of the same rows."""

import os
import time
from contextlib import AsyncExitStack
from itertools import chain

import asyncpg
from relato_contracts import topics
from relato_runtime import kafka

from tests.bench import facts
from tests.bench.scene import Figures, Scene, connected
from tests.support.databases import with_database
from tests.support.waiting import until

_EVENTS = int(os.environ.get("RELATO_BENCH_EVENTS", "500_000"))
_PARTITIONS = 12
_PREFIX = "projectionbench."
_TABLES = (
    "tickets", "requester_tickets", "ticket_entries", "occurrences", "requester_entries", "chat_entries",
    "views", "time_totals",
)  # fmt: skip
_CORES = os.cpu_count() or 1


async def measure(scene: Scene) -> Figures:
    """Events a second, from an empty database to the last event's commit."""
    settings = scene.kafka.model_copy(update={"topic_prefix": _PREFIX})
    await kafka.create_topics(settings, topics.TOPICS, partitions=_PARTITIONS)
    tickets = (f"P{number}" for number in range(_EVENTS // 10))
    published = await facts.publish(
        settings, chain.from_iterable(facts.ordinary_history(each, prefix=_PREFIX) for each in tickets)
    )
    async with scene.alone():
        one = await _rebuild(scene, 1, published)
        limit = await _copy(scene)
        two = await _rebuild(scene, 2, published)
    return {
        "events": published,
        "rate": round(published / one),
        "wanted": 30_000,
        "copy": round(published / limit),
        "ratio": round(limit / one, 2),
        "two_processes": round(published / two),
        "two_to_one": round(one / two, 2),
        "cores": _CORES,
    }


async def _rebuild(scene: Scene, processes: int, published: int) -> float:
    """Seconds that so many projectors take for everything."""
    url = await scene.new_database("projectionbench")
    async with AsyncExitStack() as stack:
        started = time.perf_counter()
        for _ in range(processes):
            await stack.enter_async_context(scene.process("history_projector", _PREFIX, url))
        connection = await stack.enter_async_context(connected(url))
        await until(lambda: _applied(connection, published), within=900, what="all events to be projected")
        return time.perf_counter() - started


async def _applied(connection: "asyncpg.Connection[asyncpg.Record]", published: int) -> bool:
    if await connection.fetchval("SELECT to_regclass('positions')") is None:
        return False
    applied = await connection.fetchval(
        "SELECT coalesce(sum(next_offset), 0) FROM positions WHERE consumer = 'history/1' AND topic = $1",
        _PREFIX + topics.NOTES.name,
    )
    return bool(applied >= published)


async def _copy(scene: Scene) -> float:
    """Seconds that COPY takes to write the same rows into the same empty tables, one after the other."""
    url = with_database(scene.admin, "projectionbench")
    async with connected(url) as connection:
        taken = 0.0
        await connection.execute("SET search_path = history_1, public")
        for table in _TABLES:
            file = scene.work / f"{table}.copy"
            await connection.copy_from_table(table, output=file, format="binary")
            await connection.execute(f"TRUNCATE {table} CASCADE")
            started = time.perf_counter()
            await connection.copy_to_table(table, source=file, format="binary")
            taken += time.perf_counter() - started
            file.unlink()
        return taken
