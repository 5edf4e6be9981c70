"""Kafka as every service uses it: the safe settings in one place, instead of defaults that lose data."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code
from aiokafka.structs import RecordMetadata
from relato_contracts.topics import Topic

from relato_runtime import stopping
from relato_runtime.settings import KafkaSettings

log = structlog.get_logger(__name__)

RECORD_LIMIT_BYTES = 1_048_576
DEAD_LETTER_LIMIT_BYTES = 4 * RECORD_LIMIT_BYTES
"""Of topics with dead letters, which are the original and more."""
START_SECONDS = 15.0
"""Until a client has found its cluster, or has not."""
_SEND_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class OutgoingRecord:
    """A record as it goes out: ``key`` decides the partition, no ``value`` is a tombstone."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


@asynccontextmanager
async def producing(
    settings: KafkaSettings, *, linger_ms: int = 0, limit: int = RECORD_LIMIT_BYTES
) -> AsyncIterator[AIOKafkaProducer]:
    """An idempotent producer that waits for all replicas.

    aiokafka's own, not FastStream's ``publish``, which re-encodes headers and adds some. After any
    error in sending it is to be thrown away (aiokafka #1017).
    """
    producer = AIOKafkaProducer(
        **connection(settings),
        acks="all",
        enable_idempotence=True,
        linger_ms=linger_ms,
        max_batch_size=256 * 1024,
        max_request_size=limit,
        compression_type="gzip",  # every client of Kafka reads it without further libraries
        request_timeout_ms=int(_SEND_SECONDS * 1000),
    )
    try:
        await asyncio.wait_for(producer.start(), START_SECONDS)
        yield producer
    finally:
        # With the broker away, stopping would wait for what can no longer be sent.
        await end(producer.stop(), stopping.PRODUCER)


async def send(producer: AIOKafkaProducer, records: Iterable[OutgoingRecord]) -> list[RecordMetadata]:
    """Send records in order, and return once the broker has acknowledged all of them: where each one lies."""
    async with asyncio.timeout(_SEND_SECONDS):
        acknowledged = [
            await producer.send(
                record.topic, value=record.value, key=record.key, headers=list(record.headers)
            )
            for record in records
        ]
        return list(await asyncio.gather(*acknowledged))


async def end(stopping: Coroutine[object, object, None], seconds: float) -> None:
    """Wait for a client to stop, and after so many seconds go on without it.

    Not ``wait_for``: aiokafka swallows being cancelled while it stops, and would be waited for without end.
    """
    task = asyncio.create_task(stopping)
    try:
        await asyncio.wait({task}, timeout=seconds)
    finally:
        if not task.done():
            log.warning("client did not stop in time", frames=[str(frame) for frame in task.get_stack()])
            task.cancel()
    if task.done():
        task.result()


async def create_topics(
    settings: KafkaSettings, topics: Iterable[Topic], *, partitions: int, replication: int | None = None
) -> None:
    """Create the topics that do not exist yet; those that do are left as they are.

    Unless it is said how often every record is to be kept, it is what the cluster has brokers for.
    """
    admin = AIOKafkaAdminClient(**connection(settings))
    await asyncio.wait_for(admin.start(), START_SECONDS)
    try:
        copies = replication or copies_on(len((await admin.describe_cluster())["brokers"]))
        answer = await admin.create_topics(
            [
                NewTopic(
                    settings.topic_prefix + topic.name,
                    num_partitions=partitions,
                    replication_factor=copies,
                    topic_configs=_configuration(topic, copies),
                )
                for topic in topics
            ]
        )
        for name, code, *_ in answer.topic_errors:  # type: ignore[attr-defined]  # of the answer's version
            if code not in (0, TopicAlreadyExistsError.errno):
                raise for_code(code)(name)
    finally:
        await admin.close()


def copies_on(brokers: int) -> int:
    """How often a record is kept: three times, of which one may be away, where there are as many brokers."""
    return min(3, brokers)


def _configuration(topic: Topic, replication: int) -> dict[str, str]:
    always = {
        # The broker's own time, so that it rises with the offsets whatever producers claim.
        "message.timestamp.type": "LogAppendTime",
        # What was acknowledged is on most of the replicas, and one of three may be away.
        "min.insync.replicas": str((replication + 1) // 2),
    }
    if topic.compacted:
        return {"cleanup.policy": "compact", **always}
    kept = {"cleanup.policy": "delete", "retention.ms": str(topic.retention_ms), **always}
    # Dead letters carry no facts of ours, but whatever others sent.
    return kept if topic.facts else {**kept, "max.message.bytes": str(DEAD_LETTER_LIMIT_BYTES)}


def connection(settings: KafkaSettings) -> dict[str, Any]:
    """aiokafka's arguments for reaching the cluster, each of its own type."""
    secured = settings.kafka_security_protocol in {"SSL", "SASL_SSL"}
    return {
        "bootstrap_servers": settings.kafka_bootstrap,
        "security_protocol": settings.kafka_security_protocol,
        "sasl_mechanism": settings.kafka_sasl_mechanism,
        "sasl_plain_username": settings.kafka_username or None,
        "sasl_plain_password": settings.kafka_password.get_secret_value() or None,
        "ssl_context": tls(settings) if secured else None,
    }


def tls(settings: KafkaSettings) -> ssl.SSLContext:
    """What proves that it is the cluster."""
    return ssl.create_default_context(cafile=settings.kafka_ca_file or None)
