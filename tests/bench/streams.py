"""A thousand open streams on one process: how soon an entry reaches them all, and what a stream costs."""

import asyncio
import time
from statistics import median
from urllib.parse import urlsplit
from uuid import uuid4

import psutil

from tests.bench import aims, results
from tests.bench.company import executor_note
from tests.bench.scene import Scene

_STREAMS = 1_000
_ENTRIES = 10
_PATIENCE_SECONDS = 30


async def measure(scene: Scene) -> results.Streams:
    """Milliseconds from the answer to a command until its entry has come out of every stream."""
    ticket = scene.company.tickets[0]
    portal = psutil.Process(scene.pids["portal-query"])
    before = portal.memory_info().rss
    readers: list[asyncio.StreamReader] = []
    writers: list[asyncio.StreamWriter] = []
    try:
        for number in range(_STREAMS):
            reader, writer = await _open(scene, ticket, number)
            readers.append(reader)
            writers.append(writer)
        after = portal.memory_info().rss
        firsts, lasts = [], []
        for _ in range(_ENTRIES):
            answered, marker = await _say(scene, ticket)
            async with asyncio.timeout(_PATIENCE_SECONDS):
                arrivals = await asyncio.gather(*(_arrival(reader, marker) for reader in readers))
            firsts.append(1_000 * (min(arrivals) - answered))
            lasts.append(1_000 * (max(arrivals) - answered))
    finally:
        for writer in writers:
            writer.transport.abort()
    return results.Streams(
        open=_STREAMS,
        first_ms=round(median(firsts)),
        all_ms=round(median(lasts)),
        slowest_ms=round(max(lasts)),
        kb_each=round((after - before) / _STREAMS / 1_000, 1),
        ratio=round(median(lasts) / aims.STREAMED_MS, 3),
    )


async def _open(scene: Scene, ticket: str, number: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    address = urlsplit(scene.addresses["portal-query"])
    token = scene.company.tokens[scene.company.executors[number % len(scene.company.executors)]]
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(
        f"GET /api/portal/tickets/{ticket}/stream HTTP/1.1\r\nHost: {address.netloc}\r\n"
        f"Authorization: Bearer {token}\r\n\r\n".encode()
    )
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in head.partition(b"\r\n")[0]:
        raise RuntimeError(f"no stream: {head.decode()}")
    return reader, writer


async def _say(scene: Scene, ticket: str) -> tuple[float, bytes]:
    marker = uuid4().hex
    answer = await scene.stack.http.post(
        f"/api/notes/tickets/{ticket}/occurrences",
        json=executor_note(marker),
        headers={"Authorization": f"Bearer {scene.company.tokens[scene.company.executors[1]]}"},
    )
    answered = time.perf_counter()
    answer.raise_for_status()
    return answered, marker.encode()


async def _arrival(reader: asyncio.StreamReader, marker: bytes) -> float:
    await reader.readuntil(marker)
    return time.perf_counter()
