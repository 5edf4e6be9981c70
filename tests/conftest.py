"""What all tests share: a broker, a server and a local stack a run; a database, topics, a ticket a test."""

import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count

import hypothesis
import pytest
import structlog
from aiokafka.admin import AIOKafkaAdminClient
from pydantic import SecretStr
from relato.demo.facts import address
from relato_contracts.topics import TOPICS
from relato_runtime import failures, kafka
from relato_runtime.settings import ServiceSettings

from tests.support import mailbox, servers
from tests.support.collector import Collector, running_collector
from tests.support.databases import Databases
from tests.support.issuer import Issuer, running_issuer
from tests.support.journey import Ticket
from tests.support.mailbox import Mailbox
from tests.support.stack import Stack, running_stack
from tests.support.waiting import until

# How long one example takes says more about the machine than about what is tested.
hypothesis.settings.register_profile(
    "relato", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("relato")

# As services log, but for the colours; to draw a traceback with all that it holds takes seconds in which the
# loop stands still that tests share with what they serve.
structlog.configure(
    [structlog.stdlib.add_log_level, failures.traced, structlog.dev.ConsoleRenderer(colors=False)]
)


def pytest_sessionstart(session: pytest.Session) -> None:
    """A run that is told to end cleans up like one that is interrupted, also where a shell began it aside."""

    def end(*_: object) -> None:
        # Make tells its children once more, who clean up by then.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        session.shouldstop = "told to end"  # after the test, should something in it keep the interruption
        signal.raise_signal(signal.SIGINT)

    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, end)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is about all that other tests have left behind comes after them."""
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)


_prefixes = count(1)
_tickets = count(5001)
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
async def topic_prefix(kafka_bootstrap: str) -> AsyncIterator[str]:
    """A prefix under which all topics exist, for this test alone."""
    prefix = f"t{next(_prefixes)}."
    settings = ServiceSettings(
        database_url=SecretStr("postgresql:///unused"),
        kafka_bootstrap=kafka_bootstrap,
        oidc_issuer="http://127.0.0.1/unused",
        topic_prefix=prefix,
    )
    await kafka.create_topics(settings, TOPICS, partitions=PARTITIONS)
    yield prefix
    # Ten thousand partitions that nobody needs any more made the broker stand still for seconds.
    admin = AIOKafkaAdminClient(**kafka.connection(settings))
    await admin.start()
    try:
        await admin.delete_topics([prefix + topic.name for topic in TOPICS])
    finally:
        await admin.close()


@pytest.fixture(scope="session")
async def issuer() -> AsyncIterator[Issuer]:
    """An OpenID Connect issuer whose tokens count for the services under test."""
    async with running_issuer() as running:
        yield running


@pytest.fixture(scope="session")
async def mails() -> AsyncIterator[Mailbox]:
    async with mailbox.running_mailbox() as server:
        yield server


@pytest.fixture(scope="session")
async def collector() -> AsyncIterator[Collector]:
    """Where the stack's traces go, if their callers say that they are to be collected."""
    async with running_collector() as running:
        yield running


@pytest.fixture(scope="session")
async def stack(mails: Mailbox, collector: Collector) -> AsyncIterator[Stack]:
    tracing = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_TRACES_SAMPLER": "parentbased_always_off",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "NO_PROXY": "127.0.0.1",
    }
    async with running_stack(RELATO_SMTP_URL=mails.url, **tracing) as running:
        yield running


@pytest.fixture
async def ticket(stack: Stack, mails: Mailbox) -> Ticket:
    """A new ticket of Ana's that notes, notifier and portal all know."""
    made = Ticket(str(next(_tickets)), stack, mails)
    await made.save()

    async def known() -> bool:
        desk = await stack.get("carlos", f"/tickets/{made.id}")
        draft = await stack.http.delete(
            f"/api/notes/tickets/{made.id}/drafts/chat", headers=await stack.bearer("carlos")
        )
        return desk.status_code == 200 and draft.status_code == 204

    await until(known, what=f"ticket {made.id}")
    return made


@pytest.fixture(scope="session")
async def ana_address() -> str:
    return address("ana") or ""


@pytest.fixture(scope="session")
async def carlos_address() -> str:
    return address("carlos") or ""
