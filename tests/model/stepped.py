"""Connections on which every statement is a step of a schedule, and may be another than was written."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TypeVar, cast

import asyncpg
from relato_runtime.database import Connection, Pool

from tests.model.schedule import Crashed, Process, Schedule

Result = TypeVar("Result")


class Changes:
    """Changes to statements; a test that makes one has to see that it was made."""

    def __init__(self, *changes: tuple[str, str, str]) -> None:
        self._changes = changes
        self.made: set[str] = set()

    def __call__(self, statement: str) -> str:
        """The statement as it is to be run: in those that contain ``where``, ``old`` becomes ``new``."""
        flat = " ".join(statement.split())
        for where, old, new in self._changes:
            if where in flat and old in flat:
                flat = flat.replace(old, new)
                self.made.add(old)
        return flat

    @property
    def all_made(self) -> bool:
        """Whether each of them hit a statement."""
        return self.made == {old for _, old, _ in self._changes}


class SteppedConnection:
    """What the services use of a connection."""

    def __init__(
        self,
        real: "asyncpg.Connection[asyncpg.Record]",
        schedule: Schedule,
        process: Process,
        changed: Callable[[str], str],
    ) -> None:
        self._real = real
        self._schedule = schedule
        self._process = process
        self._changed = changed
        self._backend = real.get_server_pid()

    async def fetch(self, statement: str, *values: object) -> list[asyncpg.Record]:
        return await self._step(statement, lambda given: self._real.fetch(given, *values))

    async def fetchrow(self, statement: str, *values: object) -> asyncpg.Record | None:
        return await self._step(statement, lambda given: self._real.fetchrow(given, *values))

    async def fetchval(self, statement: str, *values: object) -> object:
        return await self._step(statement, lambda given: self._real.fetchval(given, *values))

    async def execute(self, statement: str, *values: object) -> str:
        return await self._step(statement, lambda given: self._real.execute(given, *values))

    async def executemany(self, statement: str, values: Iterable[tuple[object, ...]]) -> None:
        listed = list(values)
        if listed:
            await self._step(statement, lambda given: self._real.executemany(given, listed))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Begun with its first statement; the commit is a step, and so is what follows it."""
        await self._now("BEGIN")
        try:
            yield
        except Crashed:
            raise
        except BaseException:
            if self._process.alive:
                await self._now("ROLLBACK")
            raise
        await self._schedule.gate(self._process, "COMMIT")
        await self._now("COMMIT")
        await self._schedule.gate(self._process, "committed")

    async def _now(self, statement: str) -> None:
        await self._schedule.statement(self._process, self._backend, self._real.execute(statement))

    async def _step(self, statement: str, run: Callable[[str], Awaitable[Result]]) -> Result:
        given = self._changed(statement)
        await self._schedule.gate(self._process, given[:90])
        return await self._schedule.statement(self._process, self._backend, run(given))


class SteppedPool:
    """A process's pool of such connections."""

    def __init__(self, url: str, schedule: Schedule, process: Process, changed: Callable[[str], str]) -> None:
        self._url = url
        self._schedule = schedule
        self._process = process
        self._changed = changed
        self._free: list[asyncpg.Connection[asyncpg.Record]] = []
        self._opened: list[asyncpg.Connection[asyncpg.Record]] = []

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        real = self._free.pop() if self._free else await self._connect()
        try:
            yield cast(Connection, SteppedConnection(real, self._schedule, self._process, self._changed))
        finally:
            self._free.append(real)

    def as_pool(self) -> Pool:
        """The same, as the services call it."""
        return cast(Pool, self)

    async def close(self) -> None:
        """Let go of what a process, dead or alive, has opened."""
        for each in self._opened:
            each.terminate()

    async def _connect(self) -> "asyncpg.Connection[asyncpg.Record]":
        if not self._process.alive:
            raise Crashed
        opening = asyncpg.connect(self._url, server_settings=_SESSION | {"model.process": self._process.name})
        real = await self._schedule.outside(opening)
        self._opened.append(real)
        return real


# The model's own clock stands before PostgreSQL's.
_SESSION = {"search_path": "model, pg_catalog, public", "jit": "off"}
