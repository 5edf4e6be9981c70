"""How far behind each consumer is: what its group has committed against the end of the log."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from relato_runtime.kafka import connection
from relato_runtime.settings import KafkaSettings


@dataclass(frozen=True, slots=True)
class Lag:
    """Records of one topic that one group has not taken in yet."""

    group: str
    topic: str
    lag: int


async def lags(bootstrap: str, *, prefix: str = "") -> list[Lag]:
    """The lag of every group, or of those whose names begin so, on every topic it reads, by name.

    Raises what aiokafka raises. A cluster may have many groups, and each is asked for by itself.
    """
    # Only how to reach the cluster counts here, and that is the services' own setting.
    settings = KafkaSettings(kafka_bootstrap=bootstrap)
    admin = AIOKafkaAdminClient(**connection(settings))
    consumer = AIOKafkaConsumer(**connection(settings))
    try:
        await asyncio.gather(admin.start(), consumer.start())
        listed = await admin.list_consumer_groups()
        groups = sorted({name for name, *_ in listed if name.startswith(prefix)})
        committed = {group: await admin.list_consumer_group_offsets(group) for group in groups}
        topics = await consumer.topics()
        partitions = sorted(
            {
                partition
                for offsets in committed.values()
                for partition in offsets
                if partition.topic in topics
            }
        )
        ends = await consumer.end_offsets(partitions)
        starts = await consumer.beginning_offsets(partitions)
    finally:
        await asyncio.gather(admin.close(), consumer.stop())
    return [
        Lag(group, topic, lag)
        for group, offsets in committed.items()
        for topic, lag in sorted(_behind(offsets, starts, ends).items())
    ]


def _behind(
    committed: dict[TopicPartition, OffsetAndMetadata],
    starts: dict[TopicPartition, int],
    ends: dict[TopicPartition, int],
) -> dict[str, int]:
    behind: defaultdict[str, int] = defaultdict(int)
    for partition, offset in committed.items():
        if partition not in ends:
            continue  # of a topic that is gone
        # Before the first commit everything that is there is still to come.
        position = max(offset.offset, starts[partition])
        behind[partition.topic] += max(0, ends[partition] - position)
    return dict(behind)
