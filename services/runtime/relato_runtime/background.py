"""Loops that run for as long as their service does, and begin afresh when something breaks."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import structlog
from prometheus_client import Counter

from relato_runtime.failures import described
from relato_runtime.readiness import Readiness

log = structlog.get_logger(__name__)

RESTARTS = Counter("relato_loop_restarts", "How often a background loop began afresh", ["loop"])
_LONGEST_PAUSE_SECONDS = 5.0
_STOP_SECONDS = 8.0  # of the 10 that a service has after SIGTERM

Loop = Callable[[], Awaitable[None]]
"""Opens what it needs, works until cancelled, and raises whatever goes wrong."""


@asynccontextmanager
async def running(loops: Mapping[str, Loop], readiness: Readiness) -> AsyncIterator[None]:
    """Run loops, each named by the part of the service that lacks it while it is down."""
    tasks = [asyncio.create_task(_forever(name, loop, readiness), name=name) for name, loop in loops.items()]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_STOP_SECONDS)
            for task in late:
                log.warning("loop did not stop in time", loop=task.get_name())


async def _forever(name: str, loop: Loop, readiness: Readiness) -> None:
    """Nothing a loop holds survives its failure, so that no half-broken state is carried on."""
    pause = 0.1
    clock = asyncio.get_running_loop()
    while True:
        started = clock.time()
        try:
            await loop()
            reason = "ended"
        except Exception as error:
            # Recorded where people look: the log, the metric and /readyz.
            log.exception("loop failed", loop=name)
            reason = described(error)
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                return  # it broke while it was being stopped, and is not to begin again
        RESTARTS.labels(name).inc()
        readiness.lacks(name, reason)
        if clock.time() - started > 30:
            pause = 0.1
        await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  # jitter, not a secret
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
