"""At 200 commands a second: from the answer to where requester and executor see what was recorded."""

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from statistics import median, quantiles
from urllib.parse import urlsplit

import httpx

from tests.bench import wrk
from tests.bench.company import REQUESTER, executor_note
from tests.bench.scene import Figures, Scene, connected

_SECONDS = 60
_LOAD_CLIENTS = 40
_LOAD_DELAY_MS = 207
"""Between a client's requests, so that all of them together make some 185 a second."""
_PROBES_PER_SECOND = 15
_PROBED = 15
"""Tickets, each with an open stream."""
_MARKER = re.compile(rb"probe-(\d+)-")
_WANTED = {
    "executor": (20, 100),
    "requester": (20, 100),
    "stream": (20, 100),
    "mail": (50, None),
}


@dataclass
class _Probes:
    """When each command was answered, and how many milliseconds later it was where."""

    answered: dict[int, float] = field(default_factory=dict)
    told_at: dict[tuple[str, int], float] = field(default_factory=dict)
    """By ticket and version, in seconds of the wall clock: what the database's clock is compared with."""
    delays: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    pushed: dict[int, float] = field(default_factory=dict)

    def seen(self, where: str, number: int) -> None:
        self.delays[where].append(1_000 * (time.perf_counter() - self.answered[number]))


async def measure(scene: Scene, seconds: int = _SECONDS) -> Figures:
    """Milliseconds; every probe is a command of its own among those of the load."""
    probes = _Probes()
    targets = scene.company.write_targets(scene.work / "steady")
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=30))
        for ticket in scene.company.tickets[:_PROBED]:
            await stack.enter_async_context(_watched(scene, ticket, probes))
        load = asyncio.create_task(
            wrk.run(
                *("steady.lua", targets, scene.addresses["notes"], str(_LOAD_DELAY_MS)),
                clients=_LOAD_CLIENTS,
                seconds=seconds,
            )
        )
        try:
            await _probe(scene, client, probes, seconds)
        finally:
            steady = await load
        await scene.level()
    for number, at in probes.pushed.items():
        probes.delays["stream"].append(max(0.0, 1_000 * (at - probes.answered[number])))
    probes.delays["mail"] = await _mailed(scene, probes)
    return {
        "rate": round(steady.rate + len(probes.answered) / seconds),
        "probes": len(probes.answered),
        **{where: _figures(where, probes.delays[where]) for where in _WANTED},
    }


async def _probe(scene: Scene, client: httpx.AsyncClient, probes: _Probes, seconds: int) -> None:
    async with asyncio.TaskGroup() as tasks:
        began = time.perf_counter()
        for number in range(seconds * _PROBES_PER_SECOND):
            await asyncio.sleep(began + number / _PROBES_PER_SECOND - time.perf_counter())
            tasks.create_task(_one(scene, client, probes, number))


async def _one(scene: Scene, client: httpx.AsyncClient, probes: _Probes, number: int) -> None:
    ticket = scene.company.tickets[number % _PROBED]
    executor = scene.company.executors[number % len(scene.company.executors)]
    as_executor = {"Authorization": f"Bearer {scene.company.tokens[executor]}"}
    answer = await client.post(
        f"{scene.addresses['notes']}/api/notes/tickets/{ticket}/occurrences",
        json=executor_note(f"probe-{number}-", notify_by_email=True),
        headers=as_executor,
    )
    probes.answered[number] = time.perf_counter()
    told_at = time.time()
    version = answer.raise_for_status().json()["version"]
    probes.told_at[ticket, version] = told_at
    portal = f"{scene.addresses['portal-query']}/api/portal"
    as_requester = {"Authorization": f"Bearer {scene.company.tokens[REQUESTER]}"}

    async def read(where: str, path: str, headers: dict[str, str]) -> None:
        page = await client.get(f"{portal}{path}", params={"min_version": version}, headers=headers)
        probes.seen(where, number)
        assert f"probe-{number}-" in page.raise_for_status().text

    await asyncio.gather(
        read("executor", f"/tickets/{ticket}/history", as_executor),
        read("requester", f"/my/requests/{ticket}/history", as_requester),
    )


@asynccontextmanager
async def _watched(scene: Scene, ticket: str, probes: _Probes) -> AsyncIterator[None]:
    """The requester's stream of a ticket, open for a while."""
    address = urlsplit(scene.addresses["portal-query"])
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(
        f"GET /api/portal/my/requests/{ticket}/stream HTTP/1.1\r\nHost: {address.netloc}\r\n"
        f"Authorization: Bearer {scene.company.tokens[REQUESTER]}\r\n\r\n".encode()
    )

    async def read() -> None:
        while chunk := await reader.readline():
            for number in _MARKER.findall(chunk):
                probes.pushed.setdefault(int(number), time.perf_counter())

    task = asyncio.create_task(read())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        writer.transport.abort()


async def _mailed(scene: Scene, probes: _Probes) -> list[float]:
    async with connected(scene.database("notifier")) as ledger:
        rows = await ledger.fetch(
            "SELECT ticket_id, event_version, extract(epoch FROM updated_at)::float8 AS at FROM mails "
            "WHERE state = 'accepted' AND ticket_id = ANY($1::text[])",
            scene.company.tickets[:_PROBED],
        )
    at = {(row["ticket_id"], row["event_version"]): row["at"] for row in rows}
    return [1_000 * (at[place] - told_at) for place, told_at in probes.told_at.items() if place in at]


def _figures(where: str, delays: list[float]) -> Figures:
    p50, p99 = _WANTED[where]
    return {
        "seen": len(delays),
        "p50_ms": round(median(delays), 1),
        "p99_ms": round(quantiles(delays, n=100)[98], 1),
        "wanted_p50_ms": p50,
        "wanted_p99_ms": p99,
        "ratio": round(median(delays) / p50, 2),
    }
