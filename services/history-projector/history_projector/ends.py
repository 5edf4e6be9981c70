"""What the broker says of the topics that generations read, and of the groups in which they do."""

import asyncio
from collections.abc import Mapping

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupIdNotFound, KafkaError, NonEmptyGroup, for_code
from aiokafka.protocol.admin import DeleteGroupsRequest
from aiokafka.structs import TopicPartition
from relato_runtime import kafka
from relato_runtime.database import Connection
from relato_runtime.settings import KafkaSettings

from history_projector.consume import TOPICS

log = structlog.get_logger(__name__)

_PATIENCE_SECONDS = 5.0


async def behind(settings: KafkaSettings, connection: Connection) -> dict[str, int]:
    """How many records each generation's consumer has still to take in; of none while the broker is away."""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            known = await spans(settings)
    except (KafkaError, OSError, TimeoutError) as error:
        log.warning("the broker cannot be asked", error=type(error).__name__)
        return {}
    rows = await connection.fetch(
        """
        SELECT 'history/' || generation AS consumer, topic, partition, next_offset
        FROM generations LEFT JOIN positions ON consumer = 'history/' || generation
        """
    )
    reached = {
        (row["consumer"], TopicPartition(row["topic"], row["partition"])): row["next_offset"] for row in rows
    }
    return {
        name: sum(
            max(0, end - max(reached.get((name, partition)) or 0, beginning))
            for partition, (beginning, end) in known.items()
        )
        for name in {consumer for consumer, _ in reached}
    }


async def spans(settings: KafkaSettings) -> Mapping[TopicPartition, tuple[int, int]]:
    """Where each partition of the topics begins and ends."""
    consumer = AIOKafkaConsumer(
        *(settings.topic_prefix + topic.name for topic in TOPICS),
        **kafka.connection(settings),
        group_id=None,
        enable_auto_commit=False,
        isolation_level="read_committed",
    )
    try:
        await consumer.start()
        partitions = list(consumer.assignment())
        beginnings = await consumer.beginning_offsets(partitions)
        ends = await consumer.end_offsets(partitions)
    finally:
        await kafka.end(consumer.stop(), 3)
    return {each: (beginnings[each], ends[each]) for each in partitions}


async def forget(settings: KafkaSettings, consumer: str) -> bool:
    """Delete a consumer's group with its offsets; false while it still has members."""
    group = f"{settings.topic_prefix}relato.{consumer}"
    admin = AIOKafkaAdminClient(**kafka.connection(settings), request_timeout_ms=10_000)
    try:
        async with asyncio.timeout(2 * _PATIENCE_SECONDS):
            await admin.start()
            coordinator = await admin.find_coordinator(group)
            # The client knows this request, and has no method for it.
            answer = await admin._send_request_to_node(coordinator, DeleteGroupsRequest([group]))
    finally:
        await admin.close()
    code = answer.to_object()["results"][0]["error_code"]
    if code in {0, GroupIdNotFound.errno}:
        return True
    if code == NonEmptyGroup.errno:
        return False
    raise for_code(code)(group)
