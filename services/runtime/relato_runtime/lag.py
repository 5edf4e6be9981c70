"""How far behind a consumer is, asked of the broker whatever the consumer is busy with."""

import asyncio
from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition
from prometheus_client import Gauge

LAG = Gauge("relato_consumer_lag", "Records still to be taken in", ["consumer", "topic", "partition"])

_LOOK_SECONDS = 2.0
_ANSWER_SECONDS = 15.0


async def measure(consumer: AIOKafkaConsumer, name: str, reached: Mapping[TopicPartition, int]) -> None:
    """Say until cancelled how many records of its own partitions lie before it.

    What is another's by now, or not known while the broker is away, is not said at all.
    """
    shown: set[TopicPartition] = set()
    try:
        while True:
            ends = await _ends(consumer, reached)
            _forget(name, shown - ends.keys())
            for partition, end in ends.items():
                behind = max(0, end - reached[partition])
                LAG.labels(name, partition.topic, partition.partition).set(behind)
            shown = set(ends)
            await asyncio.sleep(_LOOK_SECONDS)
    finally:
        _forget(name, shown)


async def _ends(
    consumer: AIOKafkaConsumer, reached: Mapping[TopicPartition, int]
) -> dict[TopicPartition, int]:
    mine = consumer.assignment() & reached.keys()
    if not mine:
        return {}
    try:
        ends: dict[TopicPartition, int] = await asyncio.wait_for(
            consumer.end_offsets(list(mine)), _ANSWER_SECONDS
        )
    except (KafkaError, TimeoutError):
        return {}
    return ends


def _forget(name: str, partitions: set[TopicPartition]) -> None:
    for partition in partitions:
        LAG.remove(name, partition.topic, partition.partition)
