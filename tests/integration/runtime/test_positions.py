"""Consumers of a broker that was put back from a backup, under positions that know better."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from prometheus_client import REGISTRY
from pydantic import SecretStr
from relato.stack import kafka as broker
from relato.stack.ports import free
from relato_contracts.topics import NOTES, TICKETS, dead_letters
from relato_runtime import background, kafka
from relato_runtime.consume import Consumer
from relato_runtime.database import Connection, Pool, open_pool
from relato_runtime.decoded import Decoded
from relato_runtime.positions import DeadLetter
from relato_runtime.readiness import Readiness
from relato_runtime.settings import ServiceSettings

from tests.support import scratch, stream, world
from tests.support.waiting import until


@dataclass
class Broker:
    """A broker of the test's own, whose disk can be copied and put back."""

    home: Path
    port: int = field(default_factory=free)
    running: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def start(self) -> None:
        await self.running.enter_async_context(broker.running(self.home / "kafka", self.port))

    async def back_up(self) -> None:
        await self.running.aclose()
        shutil.copytree(self.home / "kafka" / "data", self.home / "copy")
        await self.start()

    async def put_back(self) -> None:
        await self.running.aclose()
        shutil.rmtree(self.home / "kafka" / "data")
        shutil.copytree(self.home / "copy", self.home / "kafka" / "data")
        await self.start()


@dataclass
class Reading:
    """A consumer that notes the versions that it takes in."""

    settings: ServiceSettings
    pool: Pool
    taken_in: list[int] = field(default_factory=list)
    running: AsyncExitStack = field(default_factory=AsyncExitStack)
    _applied: list[int] = field(default_factory=list)

    async def start(self) -> None:
        readiness = Readiness()
        consumer = Consumer(
            self.settings,
            self.pool,
            name="reader",
            service="notifier",
            topics=[NOTES, TICKETS],
            apply=self._apply,
            readiness=readiness,
            part="reader",
            on_commit=self._committed,
        )
        await self.running.enter_async_context(background.running({"reader": consumer.run}, readiness))

    async def stop(self) -> None:
        await self.running.aclose()

    async def _apply(self, _connection: Connection, decoded: Sequence[Decoded]) -> Sequence[DeadLetter]:
        self._applied = [envelope.stream_version or 0 for _, envelope, _ in decoded]
        return ()

    def _committed(self) -> None:
        self.taken_in += self._applied
        self._applied = []

    async def has(self, *versions: int) -> None:
        """Wait until it has taken in all of these."""

        async def there() -> bool:
            return set(versions) <= set(self.taken_in)

        await until(there, within=30, what=f"versions {versions}")

    async def publish(self, *versions: int) -> None:
        async with kafka.producing(self.settings) as producer:
            await self.send(producer, *versions)

    async def send(self, producer: AIOKafkaProducer, *versions: int) -> None:
        given = (stream.noted(each, stream.chatted(each)) for each in versions)
        await kafka.send(producer, [stream.outgoing(self.settings, each) for each in given])

    @asynccontextmanager
    async def busy(self) -> AsyncIterator[None]:
        """For as long as the block lasts something comes on another topic all the time."""
        task = asyncio.create_task(self._publish_tickets())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _publish_tickets(self) -> None:
        async with kafka.producing(self.settings) as producer:
            for number in count():
                await kafka.send(producer, [world.record(self.settings, world.ticket(str(number)))])


@pytest.fixture
async def own_broker() -> AsyncIterator[Broker]:
    with scratch.directory() as home:
        made = Broker(home)
        await made.start()
        try:
            yield made
        finally:
            await made.running.aclose()


@pytest.fixture
async def reading(own_broker: Broker, database: Callable[..., Awaitable[str]]) -> AsyncIterator[Reading]:
    url = await database("notifier")
    settings = ServiceSettings(
        database_url=SecretStr(url),
        kafka_bootstrap=f"127.0.0.1:{own_broker.port}",
        oidc_issuer="http://127.0.0.1/unused",
    )
    await kafka.create_topics(settings, [NOTES, TICKETS, dead_letters("notifier")], partitions=1)
    async with open_pool(url, size=3) as pool:
        reading = Reading(settings, pool)
        try:
            yield reading
        finally:
            await reading.stop()


async def test_what_is_written_anew_after_the_broker_was_put_back_is_taken_in(
    own_broker: Broker, reading: Reading
) -> None:
    await reading.publish(1, 2)
    await own_broker.back_up()
    await reading.publish(3, 4, 5)
    await reading.start()
    await reading.has(1, 2, 3, 4, 5)
    await reading.stop()
    witness = await reading.pool.fetchval("SELECT witness FROM positions")
    assert witness is not None

    await own_broker.put_back()
    # More than was lost: the position lies in the middle of what is new.
    await reading.publish(*range(3, 13))
    reading.taken_in.clear()
    await reading.start()
    await reading.has(*range(3, 13))
    assert sorted(reading.taken_in) == list(range(3, 13)), "and nothing else"

    # What tells is the witness: without it what lies before the position is skipped.
    await reading.stop()
    await reading.pool.execute("UPDATE positions SET next_offset = 5, witness = NULL")
    reading.taken_in.clear()
    await reading.start()
    await reading.has(*range(6, 13))
    assert min(reading.taken_in) == 6


async def test_a_position_beyond_the_end_of_its_topic_is_lowered(
    own_broker: Broker, reading: Reading
) -> None:
    await own_broker.back_up()
    await reading.publish(1, 2, 3)
    await reading.start()
    await reading.has(1, 2, 3)
    await reading.stop()
    await own_broker.put_back()
    await reading.start()

    async def lowered() -> bool:
        return bool(await reading.pool.fetchval("SELECT next_offset = 0 FROM positions"))

    await until(lowered, within=40, what="a lower position")
    reading.taken_in.clear()
    await reading.publish(1, 2, 3)
    await reading.has(1, 2, 3)


async def test_a_database_that_goes_back_under_a_running_consumer_lacks_nothing(reading: Reading) -> None:
    await reading.publish(1, 2, 3)
    await reading.start()
    await reading.has(1, 2, 3)
    go_back = "UPDATE positions SET next_offset = 1"  # as a server does that takes over, and lacks the rest

    reading.taken_in.clear()
    await reading.pool.execute(go_back)
    await reading.has(2, 3)
    assert reading.taken_in == [2, 3], "though nothing new came"

    reading.taken_in.clear()
    await reading.pool.execute(go_back)
    await reading.publish(4)
    await reading.has(2, 3, 4)
    assert reading.taken_in == [2, 3, 4], "nothing is passed over"


async def test_how_a_transaction_ended_is_nothing_to_be_taken_in(reading: Reading) -> None:
    """As an ITSM publishes that does so exactly once: each end of a transaction takes an offset."""
    producer = AIOKafkaProducer(**kafka.connection(reading.settings), transactional_id="itsm")
    await producer.start()
    try:
        async with producer.transaction():
            await reading.send(producer, 1, 2)
        await producer.begin_transaction()
        await reading.send(producer, 3)
        await producer.abort_transaction()
        async with producer.transaction():
            await reading.send(producer, 3)
        await reading.start()
        await reading.has(1, 2, 3)

        async def level() -> bool:
            labels = {"consumer": "reader", "topic": NOTES.name, "partition": "0"}
            return REGISTRY.get_sample_value("relato_consumer_lag", labels) == 0

        await until(level, within=20, what="no lag behind the end of the last transaction")
        await producer.begin_transaction()
        await reading.send(producer, 4)
        await producer.abort_transaction()
        async with producer.transaction():
            await reading.send(producer, 4)
        await reading.has(4)
        assert reading.taken_in == [1, 2, 3, 4], "and what was called off by nobody"
        await until(level, within=20, what="no lag again")
    finally:
        await producer.stop()

    await reading.stop()
    assert await reading.pool.fetchval("SELECT next_offset FROM positions") == 10, "behind the last record"
    await reading.start()
    await until(level, within=20, what="no lag after a new beginning")


async def test_a_database_that_goes_back_while_other_records_come_lacks_nothing(reading: Reading) -> None:
    await reading.publish(1, 2, 3)
    await reading.start()
    await reading.has(1, 2, 3)
    reading.taken_in.clear()
    async with reading.busy():
        await reading.has(0)  # what has no version: the others
        await reading.pool.execute("UPDATE positions SET next_offset = 1 WHERE topic = $1", NOTES.name)
        await reading.has(2, 3)
