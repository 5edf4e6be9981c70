"""A record that stays as it is, told from now on and no longer wrong: an operator decides so, and why."""

import asyncio

from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition
from relato_contracts.topics import NOTES
from relato_runtime import operations, tail
from relato_runtime.database import Pool
from relato_runtime.operations import Operation
from relato_runtime.positions import Record
from relato_runtime.problems import unavailable
from relato_runtime.refusals import Refused
from relato_runtime.settings import ServiceSettings

from notes.operating import accepted

ACCEPT = "accept"
_PATIENCE_SECONDS = 10.0


async def accept(
    settings: ServiceSettings, pool: Pool, operation: Operation, partition: int, offset: int
) -> list[str]:
    """Decide so about the record at a place, or with ``dry_run`` only see whether it can be: what it is.

    Raises ``Refused`` where the last verification found nothing that can be accepted.
    """
    async with pool.acquire() as connection:
        kinds = sorted({each.kind for each in await accepted.found(connection, partition, offset)})
    if not kinds:
        raise Refused(
            f"The last verification found nothing at partition {partition}, offset {offset}"
            " that can be accepted."
        )
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            record = await _record(settings, partition, offset)
    except (KafkaError, OSError, TimeoutError) as error:
        raise unavailable("Kafka cannot be reached.") from error
    if record is None:
        raise Refused(f"There is no record at partition {partition}, offset {offset} any more.")
    async with pool.acquire() as connection, connection.transaction():
        if not operation.dry_run:
            await accepted.accept(connection, record, kinds)
        await operations.record(connection, operation, f"{partition}:{offset} {', '.join(kinds)}")
    return kinds


async def _record(settings: ServiceSettings, partition: int, offset: int) -> Record | None:
    async with tail.reading(settings, NOTES) as reader:
        where = TopicPartition(settings.topic_prefix + NOTES.name, partition)
        if where not in reader.partitions:
            return None
        ends = await reader.consumer.end_offsets([where])
        if offset >= ends[where]:
            return None
        async for records in reader.records(where, offset, offset + 1):
            for record in records:
                if record.offset == offset:
                    return record
    return None
