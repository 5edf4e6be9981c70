"""A running stack whose metrics and databases are looked at."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
import psutil
from relato.stack import databases, state
from relato.stack.home import Home

from tests.support import ringing
from tests.support.metrics import Measured, at
from tests.support.stack import Stack
from tests.support.waiting import until


@dataclass
class Watched:
    """A stack whose metrics are watched."""

    stack: Stack
    state: state.StackState

    async def now(self) -> Measured:
        """What all services say."""
        return await at(child.address for child in self.state.children if child.service)

    async def becomes(self, what: str, true: Callable[[Measured], bool], within: float = 30) -> Measured:
        """Wait until the metrics say so."""

        async def looked() -> Measured | None:
            now = await self.now()
            return now if true(now) else None

        said = await until(looked, within=within, what=what)
        assert said is not None
        return said

    async def rings(self, *alerts: str) -> None:
        """These alerts have to ring if everything stays as it is; without promtool nobody can tell."""
        if ringing.promtool() is None:
            return
        processes = {each.name: (each.service, each.address) for each in self.state.children if each.service}
        series = await ringing.scraped(processes)
        for alert in alerts:
            assert await ringing.ring(series, alert), alert

    async def well(self) -> None:
        """Wait until every process is ready, nothing waits for Kafka and no consumer is behind."""
        await self.becomes(
            "everything to be well",
            lambda now: (
                now.sum("relato_ready") == len([each for each in self.state.children if each.service])
                and not now.sum("relato_outbox_pending") + now.sum("relato_mail_outcomes_pending")
                and not now.sum("relato_consumer_lag")
            ),
            within=90,
        )

    @asynccontextmanager
    async def stopped(self, name: str) -> AsyncIterator[None]:
        """A process that hangs for as long as the block lasts."""
        pid = next(child.pid for child in self.state.children if child.name == name)
        assert pid is not None
        process = psutil.Process(pid)
        process.suspend()
        try:
            yield
        finally:
            process.resume()

    @asynccontextmanager
    async def sql(self, database: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """As the server's administrator."""
        connection = await asyncpg.connect(databases.address(self.state.postgres, database))
        try:
            yield connection
        finally:
            await connection.close()


def watched(stack: Stack) -> Watched:
    """That stack as it runs now."""
    running = state.read(Home(stack.home))
    assert running is not None
    return Watched(stack, running)
