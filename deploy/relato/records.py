"""Records of topics, read from outside any group: those that are there, and those that come."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Literal

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition
from relato_contracts.topics import Topic
from relato_runtime import kafka
from relato_runtime.positions import Record
from relato_runtime.settings import KafkaSettings

from relato.errors import StackError

_IDLE_MS = 250


async def read(
    settings: KafkaSettings,
    topics: Iterable[Topic],
    *,
    start: Literal["start", "end"] = "start",
    follow: bool = False,
) -> AsyncGenerator[list[Record], None]:
    """Records in batches, each partition's in order; an empty batch says that none came for a while.

    Without ``follow`` it ends with the last record that was there at the beginning.
    """
    async with _consuming(settings) as consumer:
        assigned = await partitions(settings, topics)
        consumer.assign(assigned)
        ends = await consumer.end_offsets(assigned)
        starts = ends if start == "end" else await consumer.beginning_offsets(assigned)
        for partition in assigned:
            consumer.seek(partition, starts[partition])
        ahead = {partition for partition in assigned if starts[partition] < ends[partition]}
        while ahead or follow:
            batches = await consumer.getmany(timeout_ms=_IDLE_MS)
            records = [record for batch in batches.values() for record in batch]
            if records or follow:
                yield sorted(records, key=lambda record: record.timestamp)
            # Positions, not records: what was compacted away is passed in silence.
            ahead = {partition for partition in ahead if await consumer.position(partition) < ends[partition]}


@asynccontextmanager
async def _consuming(settings: KafkaSettings) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        **kafka.connection(settings),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_wait_ms=_IDLE_MS,
    )
    try:
        with explained(settings):
            await consumer.start()
            yield consumer
    finally:
        await consumer.stop()


async def partitions(settings: KafkaSettings, topics: Iterable[Topic]) -> list[TopicPartition]:
    """Every partition of these topics; raises StackError when one does not exist."""
    names = [settings.topic_prefix + topic.name for topic in topics]
    admin = AIOKafkaAdminClient(**kafka.connection(settings))
    try:
        await admin.start()
        described = await admin.describe_topics(names)
    finally:
        await admin.close()
    missing = [topic["topic"] for topic in described if topic["error_code"]]
    if missing:
        raise StackError(f"Kafka has no topic {', '.join(sorted(missing))}.")
    return sorted(
        TopicPartition(topic["topic"], partition["partition"])
        for topic in described
        for partition in topic["partitions"]
    )


@contextmanager
def explained(settings: KafkaSettings) -> Iterator[None]:
    """Turn what Kafka's client raises into StackError."""
    try:
        yield
    except (KafkaError, OSError) as error:
        reason = str(error) or type(error).__name__
        raise StackError(f"Kafka at {settings.kafka_bootstrap} cannot be used: {reason}.") from error
