"""Where benchmarks take place: a running stack with a company in it, and scratch space."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from relato.stack import postgres
from relato.stack.databases import address
from relato_runtime.database import Connection
from relato_runtime.settings import KafkaSettings

from tests.bench.company import Company
from tests.support.databases import with_database
from tests.support.stack import Stack
from tests.support.waiting import until

_PATIENCE_SECONDS = 1_800
"""For a million events, on a machine that does other things as well."""


@asynccontextmanager
async def connected(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection for a while."""
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def nothing_waits(connection: Connection) -> bool:
    """Whether all that was committed has reached Kafka."""
    return not await connection.fetchval("SELECT EXISTS (SELECT FROM outbox)")


@dataclass(frozen=True)
class Scene:
    """``addresses`` and ``pids`` are those of the services, by name."""

    stack: Stack
    company: Company
    work: Path
    addresses: dict[str, str]
    pids: dict[str, int]
    kafka: KafkaSettings

    @property
    def admin(self) -> str:
        """The embedded PostgreSQL, as its administrator."""
        return postgres.dsn(self.stack.home / "postgres")

    @property
    def front_door(self) -> str:
        """The origin that browsers see."""
        return f"http://127.0.0.1:{self.stack.port}"

    @property
    def as_executor(self) -> dict[str, str]:
        """The header of a request by somebody who may do anything here."""
        return {"Authorization": f"Bearer {self.company.tokens[self.company.executors[0]]}"}

    def database(self, name: str) -> str:
        """One of the stack's databases, as its administrator."""
        return address(self.admin, name)

    async def new_database(self, name: str) -> str:
        """An empty database for a benchmark of its own."""
        async with connected(self.admin) as connection:
            await connection.execute(f"DROP DATABASE IF EXISTS {name}")
            await connection.execute(f"CREATE DATABASE {name}")
        return with_database(self.admin, name)

    @asynccontextmanager
    async def alone(self, service: str | None = None) -> AsyncIterator[None]:
        """Hold up the stack's other services, or all: in earnest each has a machine of its own."""
        others = [pid for name, pid in self.pids.items() if name != service]
        for pid in others:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in others:
                os.kill(pid, signal.SIGCONT)
            await self.level()

    @asynccontextmanager
    async def process(
        self, module: str, prefix: str, database_url: str, **settings: str
    ) -> AsyncIterator[None]:
        """One more process of a service, on topics and a database of its own."""
        given = {
            "HTTP_PORT": "0",
            "DATABASE_URL": database_url,
            "KAFKA_BOOTSTRAP": self.kafka.kafka_bootstrap,
            "TOPIC_PREFIX": prefix,
            "OIDC_ISSUER": "http://127.0.0.1/unused",
            "PUBLIC_URL": "http://relato.example",
            "LOG_LEVEL": "warning",
        } | settings
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module),
            env={"PATH": os.environ["PATH"], **{f"RELATO_{name}": value for name, value in given.items()}},
            stdout=asyncio.subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            process.terminate()
            await process.wait()

    async def level(self) -> None:
        """Everything that was committed has been taken in everywhere."""
        await self.relayed()
        await self.stack.level(within=_PATIENCE_SECONDS)

    async def relayed(self) -> None:
        """What was committed has reached Kafka."""
        async with connected(self.database("notes")) as connection:
            relayed = "the outbox to be empty"
            await until(lambda: nothing_waits(connection), within=_PATIENCE_SECONDS, what=relayed)


async def scene(stack: Stack, company: Company, work: Path) -> Scene:
    """The scene of a stack that runs."""
    status = await stack.json("status")
    return Scene(
        stack,
        company,
        work,
        addresses={each["name"]: each["address"] for each in status["services"]},
        pids={each["name"]: each["pid"] for each in status["services"]},
        kafka=KafkaSettings(kafka_bootstrap=status["kafka"]["bootstrap"]),
    )
