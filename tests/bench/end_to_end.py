"""At 200 commands a second: from the answer to where requester and executor see what was recorded."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from statistics import median, quantiles
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from tests.bench import aims, results, wrk
from tests.bench.company import REQUESTER, executor_note
from tests.bench.scene import Scene, connected
from tests.support.waiting import until

_SECONDS = 60
_PER_SECOND = 200
_PROBES_PER_SECOND = 15
"""Of these; the rest is load."""
_LOAD_CLIENTS = 40
_PROBED = 15
"""Tickets, each with an open stream."""
_PATIENCE_SECONDS = 60


@dataclass
class _Probe:
    """A command that was answered, and when it was where after that: by this process's clock."""

    ticket: str
    version: int
    answered: float
    told_at: float
    """The answer, in seconds of the wall clock: what the database's clock is compared with."""
    seen: dict[str, float] = field(default_factory=dict)

    def took(self, *where: str) -> float:
        """Milliseconds from the answer until it was there, or in all these places."""
        # What is pushed may be there before the answer is.
        return 1_000 * max(0.0, *(self.seen[each] - self.answered for each in where))


@dataclass
class _Probes:
    """All of them, and what is pushed to the streams."""

    mark: str = field(default_factory=lambda: uuid4().hex[:8])
    """Of this run; an earlier one's are in the same histories."""
    answered: dict[int, _Probe] = field(default_factory=dict)
    pushed: dict[int, float] = field(default_factory=dict)

    def text(self, number: int) -> str:
        """By which a probe is known wherever it comes to."""
        return f"probe-{self.mark}-{number}-"

    def found(self, chunk: bytes) -> None:
        """Something came out of a stream."""
        for number in re.findall(rb"probe-%s-(\d+)-" % self.mark.encode(), chunk):
            self.pushed.setdefault(int(number), time.perf_counter())


async def measure(scene: Scene, seconds: int = _SECONDS) -> results.EndToEnd:
    """Every probe is a command of its own among those of the load, and none of them is left out."""
    probes = _Probes()
    targets = scene.company.write_targets(scene.work / "steady")
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=30))
        for ticket in scene.company.tickets[:_PROBED]:
            await stack.enter_async_context(_watched(scene, ticket, probes))
        load = asyncio.create_task(
            wrk.run(
                *("steady.lua", targets, scene.addresses["notes"], str(_PER_SECOND - _PROBES_PER_SECOND)),
                clients=_LOAD_CLIENTS,
                seconds=seconds,
            )
        )
        try:
            await _probe(scene, client, probes, seconds)
        finally:
            steady = await load
        await until(lambda: _all_pushed(probes), within=_PATIENCE_SECONDS, what="all probes to be pushed")
        await scene.level()
    waited = until(lambda: _mailed(scene, probes), within=_PATIENCE_SECONDS, what="a mail of each probe")
    mailed = await waited
    for number, probe in probes.answered.items():
        probe.seen["stream"] = probes.pushed[number]
    rate = steady.rate + len(probes.answered) / seconds
    return _result(rate, list(probes.answered.values()), mailed)


def _result(rate: float, probes: list[_Probe], mailed: list[float]) -> results.EndToEnd:
    histories = _latency(each.took("executor", "requester") for each in probes)
    stream = _latency(each.took("stream") for each in probes)
    mail = _latency(mailed)
    worst = max(
        *(each.p50_ms / aims.READABLE_P50_MS for each in (histories, stream)),
        *(each.p99_ms / aims.READABLE_P99_MS for each in (histories, stream)),
        mail.p50_ms / aims.MAILED_P50_MS,
    )
    return results.EndToEnd(
        rate=round(rate, 1),
        probes=len(probes),
        histories=histories,
        executor=_latency(each.took("executor") for each in probes),
        requester=_latency(each.took("requester") for each in probes),
        stream=stream,
        mail=mail,
        ratio=round(worst, 3),
    )


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
        json=executor_note(probes.text(number), notify_by_email=True),
        headers=as_executor,
    )
    answered, told_at = time.perf_counter(), time.time()
    version = answer.raise_for_status().json()["version"]
    probe = probes.answered[number] = _Probe(ticket, version, answered, told_at)
    portal = f"{scene.addresses['portal-query']}/api/portal"
    as_requester = {"Authorization": f"Bearer {scene.company.tokens[REQUESTER]}"}

    async def read(where: str, path: str, headers: dict[str, str]) -> None:
        page = await client.get(f"{portal}{path}", params={"min_version": version}, headers=headers)
        probe.seen[where] = time.perf_counter()
        assert probes.text(number) in page.raise_for_status().text

    await asyncio.gather(
        read("executor", f"/tickets/{ticket}/history", as_executor),
        read("requester", f"/my/requests/{ticket}/history", as_requester),
    )


@asynccontextmanager
async def _watched(scene: Scene, ticket: str, probes: _Probes) -> AsyncIterator[None]:
    """The requester's stream of a ticket, open for a while: what is recorded from now on comes there."""
    address = urlsplit(scene.addresses["portal-query"])
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(
        f"GET /api/portal/my/requests/{ticket}/stream HTTP/1.1\r\nHost: {address.netloc}\r\n"
        f"Authorization: Bearer {scene.company.tokens[REQUESTER]}\r\n\r\n".encode()
    )

    await reader.readuntil(b"retry:")  # what its position is has been decided then

    async def read() -> None:
        while chunk := await reader.readline():
            probes.found(chunk)

    task = asyncio.create_task(read())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        writer.transport.abort()


async def _all_pushed(probes: _Probes) -> bool:
    return probes.pushed.keys() >= probes.answered.keys()


async def _mailed(scene: Scene, probes: _Probes) -> list[float]:
    """Milliseconds until each probe's mail was accepted; nothing while one of them is not."""
    async with connected(scene.database("notifier")) as ledger:
        rows = await ledger.fetch(
            "SELECT ticket_id, event_version, extract(epoch FROM updated_at)::float8 AS at FROM mails "
            "WHERE state = 'accepted' AND ticket_id = ANY($1::text[])",
            scene.company.tickets[:_PROBED],
        )
    at = {(row["ticket_id"], row["event_version"]): row["at"] for row in rows}
    sent = list(probes.answered.values())
    if any((each.ticket, each.version) not in at for each in sent):
        return []
    return [1_000 * (at[each.ticket, each.version] - each.told_at) for each in sent]


def _latency(delays: Iterable[float]) -> results.Latency:
    all_of_them = list(delays)
    p99 = quantiles(all_of_them, n=100)[98]
    return results.Latency(p50_ms=round(median(all_of_them), 1), p99_ms=round(p99, 1))
