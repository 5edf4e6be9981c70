"""Services as processes of their own, which can be killed in the middle of what they do."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
from pydantic import SecretStr
from relato.stack.ports import free
from relato_runtime import jobs
from relato_runtime.caller import Caller
from relato_runtime.jobs import Job
from relato_runtime.operations import Operation
from relato_runtime.settings import ServiceSettings

from tests.support.reaching import reaching
from tests.support.waiting import until

OLGA = Caller("olga", "Olga", frozenset({"operator"}))


@asynccontextmanager
async def process(module: str, settings: ServiceSettings) -> AsyncIterator[asyncio.subprocess.Process]:
    """A service once it answers, for as long as the block lasts and nobody has killed it."""
    given = {**settings.model_dump(exclude_unset=True), "http_port": free()}
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module),
        env={**os.environ, **{f"RELATO_{name.upper()}": _text(value) for name, value in given.items()}},
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        async with reaching(f"http://127.0.0.1:{given['http_port']}") as client:

            async def answers() -> bool:
                try:
                    return (await client.get("/healthz")).status_code == 200
                except httpx.TransportError:
                    return False

            await until(answers, within=90, what=f"a process of {module}")
        yield running
    finally:
        await kill(running)


async def kill(running: asyncio.subprocess.Process) -> None:
    """End it as nothing can prepare for."""
    if running.returncode is None:
        running.kill()
    await running.wait()


async def begin(database: asyncpg.Connection, subject: str, kind: str, wish: dict[str, object]) -> None:
    """Ask for a job as an operator does."""
    async with database.transaction():
        await jobs.begin(database, Operation(subject, kind, OLGA, "", False), wish, None)


async def middle(database: asyncpg.Connection, kind: str, **reached: str) -> Job:
    """The job, once it has begun and has come as far as that, or has done some of it."""

    async def there() -> Job | None:
        job = await jobs.latest(database, kind)
        assert job is not None
        assert job.finished_at is None, "too late for a kill"
        come = job.reached.items() >= reached.items() if reached else job.done > 0
        return job if job.reached and come else None

    found = await until(there, within=60, what=f"the middle of {kind}")
    assert found is not None
    return found


async def ended(database: asyncpg.Connection, kind: str) -> Job:
    """The same job, once whoever came next has gone on with it to its end."""
    await database.execute("UPDATE jobs SET claimed_until = now()")  # as when the claim has run out

    async def over() -> Job | None:
        job = await jobs.latest(database, kind)
        return job if job is not None and job.finished_at is not None else None

    found = await until(over, within=90, what=f"the end of {kind}")
    assert found is not None
    return found


def _text(value: Any) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
