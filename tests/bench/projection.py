"""Rebuilding the read models from the log, by one process and by two, beside COPY of the same rows."""

import os
import time
from contextlib import AsyncExitStack
from itertools import chain

from relato_contracts import topics
from relato_runtime import kafka
from relato_runtime.database import Connection

from tests.bench import facts, past, results
from tests.bench.scene import Scene, connected
from tests.support.databases import with_database
from tests.support.waiting import until

_EVENTS = int(os.environ.get("RELATO_BENCH_EVENTS", "500_000"))
_PARTITIONS = 12
_PREFIX = "projectionbench."
_TABLES = (
    "tickets", "requester_tickets", "ticket_entries", "occurrences", "requester_entries", "chat_entries",
    "views", "time_totals",
)  # fmt: skip
_STRETCH = 100_000
"""Events, for a rate."""


async def measure(scene: Scene) -> results.Projection:
    """Events a second, from an empty database to the last event's commit."""
    settings = scene.kafka.model_copy(update={"topic_prefix": _PREFIX})
    await kafka.create_topics(settings, topics.TOPICS, partitions=_PARTITIONS)
    tickets = (f"P{number}" for number in range(_EVENTS // 10))
    published = await facts.publish(
        settings, chain.from_iterable(facts.ordinary_history(each, _PREFIX) for each in tickets)
    )
    async with scene.alone():
        one = await _rebuild(scene, 1, published)
        limit = await _copy(scene)
        two = await _rebuild(scene, 2, published)
    return results.Projection(
        events=published,
        rate=round(published / one),
        limit=round(published / limit),
        ratio=round(limit / one, 3),
        cores=os.cpu_count() or 1,
        two_processes=results.TwoProcesses(rate=round(published / two), to_one=round(one / two, 2)),
    )


async def growing(scene: Scene) -> results.Change:
    """Events a second with few behind them and with many, in one go: a stretch of the same facts each."""
    prefix = "projectiongrowth."
    settings = scene.kafka.model_copy(update={"topic_prefix": prefix})
    await kafka.create_topics(settings, topics.TOPICS, partitions=_PARTITIONS)
    stretch = min(_STRETCH, past.MANY)
    tickets = (f"P{number}" for number in range((past.MANY + stretch) // past.EACH))
    histories = (facts.ordinary_history(each, prefix, rounds=past.EACH // 10) for each in tickets)
    await facts.publish(settings, chain.from_iterable(histories))
    url = await scene.new_database("projectionbench")
    rates = []
    async with scene.alone(), scene.process("history_projector", prefix, url), connected(url) as connection:
        for begin in (past.FEW, past.MANY):
            first, began = await _reached(connection, prefix, begin)
            last, ended = await _reached(connection, prefix, begin + stretch)
            rates.append(round((last - first) / (ended - began)))
    return results.Change(before=rates[0], after=rates[1])


async def _reached(connection: Connection, prefix: str, number: int) -> tuple[int, float]:
    """How many have been projected once these have, which may be more; and when."""
    what = f"{number} events to be projected"
    applied = await until(lambda: _applied(connection, prefix, number), within=1_800, what=what)
    return applied, time.perf_counter()


async def _rebuild(scene: Scene, processes: int, published: int) -> float:
    """Seconds that so many projectors take for everything."""
    url = await scene.new_database("projectionbench")
    async with AsyncExitStack() as stack:
        started = time.perf_counter()
        for _ in range(processes):
            await stack.enter_async_context(scene.process("history_projector", _PREFIX, url))
        connection = await stack.enter_async_context(connected(url))
        _, ended = await _reached(connection, _PREFIX, published)
        return ended - started


async def _applied(connection: Connection, prefix: str, at_least: int) -> int:
    """How many events have been projected; 0 while they are fewer than that."""
    if await connection.fetchval("SELECT to_regclass('positions')") is None:
        return 0
    applied: int = await connection.fetchval(
        "SELECT coalesce(sum(next_offset), 0)::int8 FROM positions "
        "WHERE consumer = 'history/1' AND topic = $1",
        prefix + topics.NOTES.name,
    )
    return applied if applied >= at_least else 0


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
