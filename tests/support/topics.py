"""Reading topics as any consumer would."""

import asyncio

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import TopicPartition
from relato_contracts.topics import Topic
from relato_runtime import kafka
from relato_runtime.positions import Record
from relato_runtime.settings import KafkaSettings

from tests.support.waiting import until


async def read_all(
    settings: KafkaSettings, topic: Topic, *, count: int, within: float = 20.0
) -> list[Record]:
    """The records of a topic by partition and offset, once there are at least ``count``."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    try:
        name = settings.topic_prefix + topic.name
        await consumer._client.force_metadata_update()
        partitions = await _partitions(consumer, name)
        consumer.assign(partitions)
        records: list[Record] = []
        async with asyncio.timeout(within):
            while len(records) < count:
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    records += batch
        # Whatever came too much is to be seen as well.
        for batch in (await consumer.getmany(timeout_ms=100)).values():
            records += batch
        return sorted(records, key=lambda record: (record.partition, record.offset))
    finally:
        await consumer.stop()


async def _partitions(consumer: AIOKafkaConsumer, name: str) -> list[TopicPartition]:
    known = consumer.partitions_for_topic(name)
    while not known:
        await consumer._client.set_topics([name])
        known = consumer.partitions_for_topic(name)
    return [TopicPartition(name, partition) for partition in sorted(known)]


async def make_anew(settings: KafkaSettings, topic: Topic, *, partitions: int) -> None:
    """Lose all that a topic has, as with a broker that was put back from before its first record."""
    name = settings.topic_prefix + topic.name
    admin = AIOKafkaAdminClient(**kafka.connection(settings))
    await admin.start()
    try:
        await admin.delete_topics([name])

        async def gone() -> bool:
            return name not in await admin.list_topics()

        await until(gone, what="an end of the topic")
    finally:
        await admin.close()
    await kafka.create_topics(settings, [topic], partitions=partitions)
