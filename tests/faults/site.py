"""The stack that faults happen to: its processes, its databases, and the times at which it is whole."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

import asyncpg
import httpx
import psutil
from aiokafka.errors import KafkaError
from relato.demo.content import organisation
from relato.issuer import keys, people
from relato.stack import databases, process, state
from relato.stack.home import Home
from relato.stack.lag import lags
from relato.stack.ports import free
from relato.stack.services import lacks
from relato_runtime.settings import KafkaSettings

from tests.faults.mail import FaultyMailbox, running_faulty_mailbox
from tests.support.stack import Stack, running_stack
from tests.support.waiting import until

if TYPE_CHECKING:
    from tests.faults.clock import Clock
    from tests.faults.disk import Disk

MENDED_SECONDS = 30.0
"""In which everything has to be ready again by itself."""
LEVEL_SECONDS = 60.0
_BEGIN_SECONDS = 120.0
"""For what is there before a fault, and is promised to nobody."""
SETTINGS = {
    # Short enough to see the end of each: what the notifier does is the same with longer ones.
    "RELATO_SMTP_CONNECT_SECONDS": "2",
    "RELATO_SMTP_TIMEOUT_SECONDS": "4",
    "RELATO_LEASE_SECONDS": "11",
    "RELATO_FIRST_RETRY_SECONDS": "2",
    "RELATO_LONGEST_RETRY_SECONDS": "4",
    "RELATO_REQUESTS_PER_SECOND": "1000",
}
_SECOND = count(1)


@dataclass
class Site:
    """A running stack, and the mail server that it sends to."""

    stack: Stack
    mails: FaultyMailbox
    clients: httpx.AsyncClient
    """All those of a load at once, at the front door."""
    clock: "Clock | None" = None
    """Where it is not the machine's."""
    disk: "Disk | None" = None
    """Where PostgreSQL has one of its own."""
    runs: "count[int]" = field(default_factory=lambda: count(1))

    @property
    def state(self) -> state.StackState:
        """What the supervisor last wrote down."""
        now = state.read(Home(self.stack.home))
        assert now is not None, "the stack does not run"
        return now

    @property
    def kafka(self) -> KafkaSettings:
        """How to reach the broker."""
        return KafkaSettings(kafka_bootstrap=self.state.kafka)

    @property
    def http(self) -> httpx.AsyncClient:
        """A client of the front door."""
        return self.stack.http

    def bearer(self, person_id: str) -> str:
        """A header's value that acts as somebody of the demonstration."""
        if person_id not in self.stack.tokens:
            claims: dict[str, str | list[str] | int] = {
                # Issued long enough ago to hold also where a clock was set back.
                "iat": int(time.time()) - 2 * 3600,
                "name": organisation().people[person_id].name,
                "roles": people.roles(self.stack.home, person_id),
            }
            signing = keys.key(Home(self.stack.home).secrets)
            self.stack.tokens[person_id] = keys.sign(
                signing, self.state.issuer, keys.AUDIENCE, person_id, claims
            )
        return f"Bearer {self.stack.tokens[person_id]}"

    def pid(self, name: str) -> int | None:
        """The process of that name, or None while it is dead."""
        child = next(each for each in self.state.children if each.name == name)
        if child.pid is None:
            return None
        try:
            # Until its supervisor has looked at it, a killed process is still there.
            dead = psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return None
        return None if dead else child.pid

    async def living(self, name: str, *, other_than: int | None = None) -> int:
        """The pid of that name as soon as it has one (other than an earlier one)."""

        async def lives() -> int | None:
            pid = self.pid(name)
            return None if pid == other_than else pid

        pid = await until(lives, within=MENDED_SECONDS, what=f"a process of {name}")
        assert pid is not None
        return pid

    async def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a process a signal; gives its pid."""
        pid = await self.living(name)
        os.kill(pid, number)
        return pid

    @asynccontextmanager
    async def sql(self, database: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """A connection to one of the databases as the server's administrator."""
        connection = await asyncpg.connect(databases.address(self.state.postgres, database), timeout=5)
        try:
            yield connection
        finally:
            await connection.close(timeout=2)

    @asynccontextmanager
    async def held(self, *names: str) -> AsyncIterator[None]:
        """Programs that are stopped politely, and whose successors wait until the block ends."""
        async with AsyncExitStack() as stack:
            for name in names:
                before = await self.kill(name, signal.SIGTERM)
                successor = await self.living(name, other_than=before)
                os.kill(successor, signal.SIGSTOP)
                stack.callback(os.kill, successor, signal.SIGCONT)
            yield

    @asynccontextmanager
    async def second(self, name: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """Another process of a service beside the one that the stack runs, ready when the block begins."""
        environment = psutil.Process(await self.living(name)).environ()
        port = free()
        environment["RELATO_HTTP_PORT"] = str(port)
        log = self.stack.home / "logs" / f"{name}-second-{next(_SECOND)}.log"
        with log.open("ab") as output:
            process_ = await asyncio.create_subprocess_exec(
                *process.module(name.replace("-", "_")),
                env=environment,
                cwd=self.stack.home,
                stdout=output,
                stderr=output,
            )
        try:

            async def ready() -> bool:
                return await lacks(f"http://127.0.0.1:{port}/readyz") is None

            await until(ready, within=_BEGIN_SECONDS, what=f"the second process of {name}")
            yield process_
        finally:
            if process_.returncode is None:
                process_.terminate()
                await process_.wait()

    def answers(self, name: str) -> Callable[[], Awaitable[bool]]:
        """Whether PostgreSQL or the broker answers."""

        async def asked() -> bool:
            try:
                if name == "postgres":
                    async with self.sql("postgres"):
                        return True
                await lags(self.state.kafka)
            except (OSError, KafkaError, asyncpg.PostgresError, asyncpg.InterfaceError):
                return False
            return True

        return asked

    async def mended(self) -> None:
        """Wait until every service is ready again, which nobody helps with."""
        try:
            await until(self.whole, within=MENDED_SECONDS, what="all services to be ready")
        except AssertionError as late:
            raise AssertionError(f"{late}; lacking: {await self._lacking()}") from late

    async def whole(self) -> bool:
        """Whether every process lives, both servers answer, and every service is ready."""
        return not await self._lacking()

    async def _lacking(self) -> list[str]:
        """What is away or not ready, and why."""
        gone = [child.name for child in self.state.children if self.pid(child.name) is None]
        gone += [name for name in ("postgres", "kafka") if not await self.answers(name)()]
        services = [child for child in self.state.children if child.service]
        missing = await asyncio.gather(*(lacks(f"{child.address}/readyz") for child in services))
        said = zip(services, missing, strict=True)
        return gone + [f"{child.name}: {what}" for child, what in said if what is not None]

    async def level(self) -> None:
        """Wait until nothing is on its way any more: outboxes empty, mails decided, consumers level."""
        try:
            await until(self._nothing_pending, within=LEVEL_SECONDS, what="an end of what is pending")
        except AssertionError as late:
            raise AssertionError(f"{late}; pending: {await self._pending()}") from late
        await until(self._none_behind, within=LEVEL_SECONDS, what="the lag to be 0")

    async def _nothing_pending(self) -> bool:
        return not await self._pending()

    async def _pending(self) -> list[str]:
        """What is still on its way, and how much of it."""
        found: list[str] = []
        for database, statement in _PENDING:
            async with self.sql(database) as connection:
                found += [f"{row['number']} {row['what']}" for row in await connection.fetch(statement)]
        return found

    async def _none_behind(self) -> bool:
        try:
            groups = await lags(self.state.kafka)
        except (KafkaError, OSError):
            return False
        return bool(groups) and not any(each.lag for each in groups)


_PENDING = (
    ("notes", "SELECT 'events for Kafka' AS what, count(*) AS number FROM outbox HAVING count(*) > 0"),
    (
        "notes",
        "SELECT format('notes held back, due in %s', max(due_at) - now()) AS what, count(*) AS number"
        " FROM releases HAVING count(*) > 0",
    ),
    ("notifier", "SELECT 'outcomes for Kafka' AS what, count(*) AS number FROM outbox HAVING count(*) > 0"),
    ("notifier", "SELECT 'events that wait' AS what, count(*) AS number FROM waiting HAVING count(*) > 0"),
    (
        "notifier",
        "SELECT format('mails %s, due in %s', state, max(due_at) - now()) AS what, count(*) AS number"
        " FROM mails WHERE state IN ('planned', 'leased', 'submitting', 'retry') GROUP BY state",
    ),
)


@asynccontextmanager
async def running_site(
    *, clock: "Clock | None" = None, disk: "Disk | None" = None, **more: str
) -> AsyncIterator[Site]:
    """A stack with a mail server that can misbehave, by its own clock or on its own disk if need be.

    ``more`` are further settings.
    """
    settings = {**SETTINGS, **(clock.environment if clock else {}), **more}
    home = disk.home if disk else None
    async with (
        running_faulty_mailbox() as mails,
        running_stack(home, RELATO_SMTP_URL=mails.url, **settings) as stack,
        httpx.AsyncClient(
            base_url=stack.http.base_url,
            timeout=30,
            trust_env=False,
            limits=httpx.Limits(max_connections=None),
        ) as clients,
    ):
        yield Site(stack, mails, clients, clock, disk)
