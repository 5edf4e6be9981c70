"""Fixtures that all tests share: one broker and one server a run, a database and topics a test."""

from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count

import hypothesis
import pytest
from pydantic import SecretStr
from relato_contracts.topics import TOPICS
from relato_runtime import kafka
from relato_runtime.settings import ServiceSettings

from tests.support import servers
from tests.support.databases import Databases
from tests.support.issuer import Issuer, running_issuer

# How long one example takes says more about the machine than about what is tested.
hypothesis.settings.register_profile(
    "relato", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("relato")

_prefixes = count(1)
PARTITIONS = 3


@pytest.fixture(scope="session")
async def postgres_url() -> AsyncIterator[str]:
    """The administrator's DSN of a real PostgreSQL server."""
    async with servers.postgres_server() as dsn:
        yield dsn


@pytest.fixture(scope="session")
async def kafka_bootstrap() -> AsyncIterator[str]:
    """The address of a real Kafka broker."""
    async with servers.kafka_broker() as bootstrap:
        yield bootstrap


@pytest.fixture(scope="session")
async def _databases(postgres_url: str) -> Databases:
    return Databases(postgres_url)


@pytest.fixture
async def database(_databases: Databases) -> AsyncIterator[Callable[..., Awaitable[str]]]:
    """Makes databases of this test's own: ``await database("notes")`` gives a DSN."""
    yield _databases.create
    await _databases.drop_all()


@pytest.fixture
async def topic_prefix(kafka_bootstrap: str) -> str:
    """A prefix under which all topics exist, for this test alone."""
    prefix = f"t{next(_prefixes)}."
    settings = ServiceSettings(
        database_url=SecretStr("postgresql:///unused"),
        kafka_bootstrap=kafka_bootstrap,
        oidc_issuer="http://127.0.0.1/unused",
        topic_prefix=prefix,
    )
    await kafka.create_topics(settings, TOPICS, partitions=PARTITIONS)
    return prefix


@pytest.fixture(scope="session")
async def issuer() -> AsyncIterator[Issuer]:
    """An OpenID Connect issuer whose tokens count for the services under test."""
    async with running_issuer() as running:
        yield running
