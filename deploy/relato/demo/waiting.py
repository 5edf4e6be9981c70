"""Waiting until a service has taken in what was published: its group's offsets against the ends."""

import asyncio

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import TopicPartition
from relato_contracts.topics import ITSM
from relato_runtime.kafka import connection
from relato_runtime.settings import KafkaSettings

from relato import records
from relato.errors import StackError

_SECONDS = 30.0


async def taken_in(settings: KafkaSettings, consumer: str) -> None:
    """Return once that consumer has read all that stands now on those of the ITSM's topics that it reads."""
    admin = AIOKafkaAdminClient(**connection(settings))
    reader = AIOKafkaConsumer(**connection(settings))
    try:
        async with asyncio.timeout(_SECONDS):
            # Inside, since a time-out is an error of the operating system to it.
            with records.explained(settings):
                partitions = await records.partitions(settings, ITSM)
                await asyncio.gather(admin.start(), reader.start())
                ends = await reader.end_offsets(partitions)
                await _reached(admin, f"{settings.topic_prefix}relato.{consumer}", ends)
    except TimeoutError:
        raise StackError(
            f"{consumer} has not taken in the facts within {_SECONDS:.0f} s. `relato status` says how far "
            "it is; run this again when it is ready."
        ) from None
    finally:
        await asyncio.gather(admin.close(), reader.stop())


async def _reached(admin: AIOKafkaAdminClient, group: str, ends: dict[TopicPartition, int]) -> None:
    while True:
        committed = await admin.list_consumer_group_offsets(group)
        topics = {partition.topic for partition in committed}
        behind = [
            partition
            for partition, end in ends.items()
            if partition.topic in topics
            and end > 0
            and (partition not in committed or committed[partition].offset < end)
        ]
        if topics and not behind:
            return
        await asyncio.sleep(0.1)
