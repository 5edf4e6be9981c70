"""Loops that run for as long as their service does, and begin afresh when something breaks."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from types import MappingProxyType

import structlog
from prometheus_client import Counter

from relato_runtime import stopping
from relato_runtime.failures import described
from relato_runtime.readiness import Readiness

log = structlog.get_logger(__name__)

RESTARTS = Counter("relato_loop_restarts", "How often a background loop began afresh", ["loop"])
_LONGEST_PAUSE_SECONDS = 5.0

Loop = Callable[[], Awaitable[None]]
"""Opens what it needs, works until cancelled, and raises whatever goes wrong."""


async def rest(woken: asyncio.Event, seconds: float | None) -> None:
    """Wait until somebody sets that, or for so long; without a limit where there is none."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await woken.wait()


@asynccontextmanager
async def running(
    loops: Mapping[str, Loop],
    readiness: Readiness,
    *,
    aside: Mapping[str, Loop] = MappingProxyType({}),
    patience: float = stopping.LOOPS,
) -> AsyncIterator[None]:
    """Run loops, each named by the part of the service that lacks it while it is down.

    Nobody waits for those ``aside`` to be ready. In the end all have ``patience`` seconds to stop.
    """
    every = [(loops, readiness), (aside, Readiness())]
    tasks = [
        asyncio.create_task(_forever(name, loop, lacking), name=name)
        for some, lacking in every
        for name, loop in some.items()
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=patience)
            for task in late:
                log.warning("loop did not stop in time", loop=task.get_name())


async def _forever(name: str, loop: Loop, readiness: Readiness) -> None:
    """Nothing a loop holds survives its failure, so that no half-broken state is carried on."""
    pause = 0.1
    clock = asyncio.get_running_loop()
    while True:
        started = clock.time()
        reason = await _once(name, loop)
        RESTARTS.labels(name).inc()
        readiness.lacks(name, reason)
        if clock.time() - started > 30:
            pause = 0.1
        await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  # jitter, not a secret
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


async def _once(name: str, loop: Loop) -> str:
    """Run a loop until it fails, and say why it did.

    In a task of its own: clients of servers that went away cancel the task they run in, and not all of
    them take that back. What is left of it would end the loops that begin afterwards.
    """
    attempt = asyncio.ensure_future(loop())
    try:
        await asyncio.wait({attempt})
    finally:
        if not attempt.done():  # it is to stop, and may need a moment for it
            attempt.cancel()
            await asyncio.wait({attempt})
    if attempt.cancelled():
        log.error("loop cancelled", loop=name)
        return "cancelled by something that it uses"
    error = attempt.exception()
    if error is None:
        return "ended"
    # Recorded where people look: the log, the metric and /readyz.
    log.error("loop failed", loop=name, exc_info=error)
    return described(error)
