"""Topics of our own read outside any group: what they hold beyond, or lack of, what was published."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition
from relato_contracts.topics import Topic

from relato_runtime import kafka
from relato_runtime.positions import Position, Record
from relato_runtime.settings import KafkaSettings

log = structlog.get_logger(__name__)

_IDLE_MS = 250
_AT_ONCE = 500


async def standing(
    consumer: AIOKafkaConsumer, stored: Mapping[TopicPartition, Position]
) -> dict[TopicPartition, int]:
    """Where each partition goes on: as stored or, if the broker was put back, where it has been written anew.

    What is later than the latest record that was known when a position was stored lies behind that
    position, unless the topic ended earlier and went on from there. Without a witness (nothing was
    read, or by an older version) only an end that lies before the position tells; then all is read.
    """
    partitions = list(stored)
    ends = await consumer.end_offsets(partitions)
    since = {each: _after(at.witness) for each, at in stored.items() if at.witness is not None}
    later = await consumer.offsets_for_times(since) if since else {}
    result: dict[TopicPartition, int] = {}
    for partition, position in stored.items():
        if position.witness is None:
            result[partition] = position.next_offset if position.next_offset <= ends[partition] else 0
        else:
            first = later.get(partition)
            anew = ends[partition] if first is None else first.offset
            result[partition] = min(position.next_offset, anew)
    return result


def _after(witness: int) -> int:
    """The next millisecond; a topic that keeps its producers' times may hold any number."""
    return min(max(witness, 0), 2**63 - 2) + 1


class Reader:
    """All partitions of some topics, from any offset."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self.consumer = consumer
        self.partitions: list[TopicPartition] = sorted(consumer.assignment())
        consumer.pause(*self.partitions)

    async def records(
        self, partition: TopicPartition, begin: int, end: int, at_once: int = _AT_ONCE
    ) -> AsyncIterator[list[Record]]:
        """What lies between two offsets, in batches; records that the client cannot read are passed over."""
        at, number = begin, at_once
        self.consumer.seek(partition, at)
        self.consumer.resume(partition)
        try:
            while at < end:
                try:
                    found = await self.consumer.getmany(partition, timeout_ms=_IDLE_MS, max_records=number)
                except UnicodeDecodeError:  # a header whose name is no text: whatever it is, it is not ours
                    at, number = (at, 1) if number > 1 else (at + 1, at_once)
                    self.consumer.seek(partition, at)
                    continue
                at = await self.consumer.position(partition)
                yield [record for record in found.get(partition, ()) if record.offset < end]
        finally:
            self.consumer.pause(partition)

    async def before(self, partition: TopicPartition, offset: int) -> AsyncGenerator[list[Record], None]:
        """What lies before an offset, in batches, the last one first."""
        begin = (await self.consumer.beginning_offsets([partition]))[partition]
        while offset > begin:
            first = max(begin, offset - _AT_ONCE)
            yield [record async for batch in self.records(partition, first, offset) for record in batch]
            offset = first


@asynccontextmanager
async def reading(settings: KafkaSettings, *topics: Topic) -> AsyncIterator[Reader]:
    """Open topics to be read by hand; whoever waits for that says for how long."""
    consumer = AIOKafkaConsumer(
        *(settings.topic_prefix + topic.name for topic in topics),
        **kafka.connection(settings),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_wait_ms=_IDLE_MS,
        request_timeout_ms=10_000,
    )
    try:
        await consumer.start()
        yield Reader(consumer)
    finally:
        await kafka.end(consumer.stop(), 3)
