"""Who was erased, as it is known outside of the database: after a restore they are erased again.

The topic ``relato.people`` has them, and a file that is kept apart, where databases and broker may both have
been put back. Its lines are JSON: person_id and erased_at.
"""

import asyncio
import json
import os
from datetime import datetime
from pathlib import Path

import asyncpg
import structlog
from aiokafka.errors import KafkaError
from relato_contracts.envelope import Undecodable, decode
from relato_contracts.people import PersonErased
from relato_contracts.topics import ERASURES
from relato_runtime import erased, erasures_file, tail
from relato_runtime.settings import ServiceSettings

from notes.privacy import erasures

log = structlog.get_logger(__name__)

_PATIENCE_SECONDS = 5.0
_LOOK_SECONDS = 0.5


def write(path: Path, person_id: str, erased_at: datetime) -> None:
    """Add somebody, on the disk before this returns; who is there already since then stays once."""
    if (known := erasures_file.read(path).get(person_id)) is not None and known >= erased_at:
        return
    line = json.dumps({"person_id": person_id, "erased_at": erased_at.isoformat()})
    new = not path.exists()
    with path.open("a", encoding="utf-8") as file:
        # A line of its own also after one that broke off.
        file.write(f"\n{line}\n")
        file.flush()
        os.fsync(file.fileno())
    if new:
        _keep_name(path.parent)


def _keep_name(directory: Path) -> None:
    """A new file is found after a crash only once its directory is on the disk as well."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


async def before_commands(settings: ServiceSettings, path: Path | None) -> None:
    """Return once nothing is there of anybody who was erased: to the log a job sees that runs beside this.

    Kafka is waited for only so long: where nothing was put back, the database knows everybody.
    """
    connection = await asyncpg.connect(
        settings.database_url.get_secret_value(), timeout=5, command_timeout=600
    )
    try:
        everybody = erasures_file.read(path)
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                for person_id, erased_at in (await _on_topic(settings)).items():
                    erasures_file.last(everybody, person_id, erased_at)
        except (KafkaError, OSError, TimeoutError):
            log.warning("who was erased is not asked of Kafka, which is away")
        for person_id in await erased.unknown(connection, everybody):
            async with connection.transaction():
                await erased.remember(connection, person_id, everybody[person_id])
                await erasures.forget(connection, person_id)
                await erased.forget(connection, person_id)
        while await erasures.pending(connection):  # noqa: ASYNC110  # the job may be another process's
            await asyncio.sleep(_LOOK_SECONDS)
    finally:
        await connection.close(timeout=2)


async def _on_topic(settings: ServiceSettings) -> dict[str, datetime]:
    known: dict[str, datetime] = {}
    async with tail.reading(settings, ERASURES) as reader:
        begins = await reader.consumer.beginning_offsets(reader.partitions)
        ends = await reader.consumer.end_offsets(reader.partitions)
        for partition in reader.partitions:
            async for records in reader.records(partition, begins[partition], ends[partition]):
                for record in records:
                    try:
                        fact = decode(record.key, record.value, record.headers, record.timestamp)[1]
                    except Undecodable:
                        continue
                    if isinstance(fact, PersonErased):
                        erasures_file.last(known, fact.person_id, fact.erased_at)
    return known
