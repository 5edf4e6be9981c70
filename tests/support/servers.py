"""One real broker and one real database server for a run: in containers where an engine answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

import docker
from docker.errors import DockerException
from relato.stack import kafka, postgres
from testcontainers.community.kafka import KafkaContainer
from testcontainers.community.postgres import PostgresContainer

from tests.support import scratch

# What a test writes need not survive a crash of the machine; crashes of programs it does survive.
_FAST = {"fsync": "off", "synchronous_commit": "on", "full_page_writes": "off", "max_connections": "300"}


@cache
def engine_answers() -> bool:
    """Whether containers can run here; the client alone says nothing about that."""
    try:
        return bool(docker.from_env(timeout=2).ping())
    except (DockerException, OSError):
        return False


@asynccontextmanager
async def postgres_server() -> AsyncIterator[str]:
    """A PostgreSQL server; gives the administrator's DSN."""
    if engine_answers():
        command = " ".join(["postgres", *(f"-c {name}={value}" for name, value in _FAST.items())])
        with PostgresContainer("postgres:18", driver=None).with_command(command) as container:
            yield container.get_connection_url()
    else:
        with scratch.directory() as directory:
            async with postgres.running(directory / "postgres", _FAST) as dsn:
                yield dsn


@asynccontextmanager
async def kafka_broker() -> AsyncIterator[str]:
    """A Kafka broker; gives its bootstrap address."""
    if engine_answers():
        with KafkaContainer().with_kraft() as container:
            yield container.get_bootstrap_server()
    else:
        with scratch.directory() as directory:
            # What hundreds of topics hold need not be flushed, since nobody reads it again.
            async with kafka.running(directory / "kafka", patience=0) as bootstrap:
                yield bootstrap
