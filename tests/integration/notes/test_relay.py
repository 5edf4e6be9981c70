"""The relay: one process leads, another takes over, and whoever was deposed changes nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import asyncpg
import pytest
from notes import outbox, relay
from notes.relay import Deposed, Relay
from notes.settings import NotesSettings
from pydantic import SecretStr
from relato_contracts.envelope import decode
from relato_contracts.topics import NOTES
from relato_runtime.readiness import Readiness

from tests.support.topics import read_all
from tests.support.waiting import until


@pytest.fixture
async def settings(
    database: Callable[..., Awaitable[str]], kafka_bootstrap: str, topic_prefix: str
) -> NotesSettings:
    return NotesSettings(
        database_url=SecretStr(await database("notes")),
        kafka_bootstrap=kafka_bootstrap,
        topic_prefix=topic_prefix,
        oidc_issuer="http://127.0.0.1/unused",
    )


@pytest.fixture
async def connection(settings: NotesSettings) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    yield connection
    await connection.close()


@asynccontextmanager
async def relaying(settings: NotesSettings) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(Relay(settings, Readiness("relay"), "relay").run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def append(connection: asyncpg.Connection, first: int, last: int) -> None:
    """Log events of ticket 1001 as the store does."""
    await connection.execute(
        """
        WITH logged AS (
            INSERT INTO events
                (ticket_id, version, seq, event_id, type, actor, correlation_id, recorded_at, data)
            SELECT '1001', version, nextval('events_seq'), gen_random_uuid(),
                'relato.HistoryViewed.v1', 'ana', 'c', now(), json_build_object(
                    'ticket_id', '1001', 'requester_id', 'ana', 'author_id', 'ana', 'author_name', 'Ana',
                    'viewer_id', 'ana', 'up_to_version', version)
            FROM generate_series($1::int, $2::int) AS version
            RETURNING seq, ticket_id, version
        )
        INSERT INTO outbox (seq, ticket_id, version) SELECT seq, ticket_id, version FROM logged
        """,
        first,
        last,
    )


async def emptied(connection: asyncpg.Connection) -> bool:
    return bool(await connection.fetchval("SELECT NOT EXISTS (SELECT FROM outbox)"))


async def leader(connection: asyncpg.Connection) -> int:
    epoch: int = await connection.fetchval(
        "SELECT CASE WHEN expires_at > now() THEN epoch ELSE 0 END FROM relay_lease"
    )
    return epoch


async def versions(settings: NotesSettings, count: int) -> list[int | None]:
    records = await read_all(settings, NOTES, count=count)
    return [decode(each.key, each.value, each.headers)[0].stream_version for each in records]


async def test_what_was_committed_before_the_relay_started_is_published(
    settings: NotesSettings, connection: asyncpg.Connection
) -> None:
    await append(connection, 1, 2_500)
    async with relaying(settings):
        await until(lambda: emptied(connection), what="an empty outbox")
    assert await versions(settings, 2_500) == list(range(1, 2_501))


async def test_another_takes_over_within_five_seconds_of_the_leaders_last_sign_of_life(
    settings: NotesSettings, connection: asyncpg.Connection
) -> None:
    await outbox.lead(connection, "dead", relay.LEASE)
    await append(connection, 1, 3)
    async with relaying(settings):
        await until(lambda: emptied(connection), what="a takeover")
    assert relay.LEASE.total_seconds() + relay.STANDBY_SECONDS < 5
    assert await versions(settings, 3) == [1, 2, 3]


async def test_a_leader_that_stops_lets_the_next_one_lead_at_once(
    settings: NotesSettings, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "LEASE", timedelta(hours=1))
    async with AsyncExitStack() as stack:
        async with relaying(settings):
            await until(lambda: leader(connection), what="a leader")
            await stack.enter_async_context(relaying(settings))
        await append(connection, 1, 1)
        await until(lambda: emptied(connection), what="a takeover")


async def test_a_deposed_leader_forgets_nothing_and_steps_down(
    settings: NotesSettings, connection: asyncpg.Connection
) -> None:
    async with relaying(settings) as first:
        epoch = await until(lambda: leader(connection), what="a leader")
        # Another leads, as after a stop that outlasted the lease.
        await connection.execute(
            "UPDATE relay_lease SET epoch = epoch + 1, expires_at = now() + interval '1 hour'"
        )
        await append(connection, 1, 1)
        await asyncio.wait([first], timeout=10)
        assert isinstance(first.exception(), Deposed)
    assert not await outbox.acknowledge(connection, epoch, [1], {})
    assert not await emptied(connection)


async def test_a_relay_that_cannot_reach_kafka_keeps_everything(
    settings: NotesSettings, connection: asyncpg.Connection
) -> None:
    await append(connection, 1, 3)
    away = settings.model_copy(update={"kafka_bootstrap": "127.0.0.1:1"})
    async with relaying(away) as task:
        await asyncio.wait([task], timeout=20)
        assert task.done()
    assert await connection.fetchval("SELECT count(*) FROM outbox") == 3
    async with relaying(settings):
        await until(lambda: emptied(connection), what="an empty outbox")
    assert await versions(settings, 3) == [1, 2, 3]


async def test_a_lease_from_before_the_clock_was_set_back_is_not_waited_for(
    settings: NotesSettings, connection: asyncpg.Connection
) -> None:
    await connection.execute("UPDATE relay_lease SET expires_at = now() + interval '1 hour'")
    await append(connection, 1, 1)
    async with relaying(settings):
        await until(lambda: emptied(connection), within=5, what="a takeover")
