"""Working on jobs: a process takes one that nobody has, and goes on with it from where it had come to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import structlog

from relato_runtime import jobs
from relato_runtime.database import Pool
from relato_runtime.failures import described
from relato_runtime.jobs import Gone, Job, NotOurs
from relato_runtime.readiness import Readiness

log = structlog.get_logger(__name__)

_RENEW_SECONDS = 3.0
_LOOK_SECONDS = 0.5

Work = Callable[[Job], Awaitable[None]]
"""Goes on with a job from where it had come to, until it is finished; raises what goes wrong."""


async def work(pool: Pool, kinds: Mapping[str, Work], readiness: Readiness, part: str) -> None:
    """Work on jobs that nobody works on, until cancelled."""
    while True:
        readiness.has(part)
        if (job := await jobs.claim(pool, list(kinds))) is not None:
            await _go_on(pool, job, kinds[job.kind])
        await asyncio.sleep(_LOOK_SECONDS)


async def _go_on(pool: Pool, job: Job, do: Work) -> None:
    log.info("job", id=job.id, kind=job.kind, reached=job.reached)
    try:
        async with _kept(pool, job):
            await do(job)
    except Gone:
        log.info("job is no longer ours", id=job.id)
    except NotOurs as error:
        log.info("job is not ours", id=job.id, why=str(error))
        await jobs.give_back(pool, job, str(error))
    except Exception as error:  # told where people look; then the loop's own way of failing
        await jobs.give_back(pool, job, described(error))
        raise


@asynccontextmanager
async def _kept(pool: Pool, job: Job) -> AsyncIterator[None]:
    """While the block lasts, others know that we work on it."""

    async def renew() -> None:
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            await jobs.renew(pool, job)

    renewing = asyncio.create_task(renew())
    try:
        yield
    finally:
        renewing.cancel()
        await asyncio.wait({renewing})
