"""Consumers of groups, by FastStream; who only reads or writes by hand does not have to load it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer
from aiokafka.abc import ConsumerRebalanceListener
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from relato_runtime import kafka, logs, stopping
from relato_runtime.kafka import RECORD_LIMIT_BYTES, START_SECONDS
from relato_runtime.settings import KafkaSettings


@asynccontextmanager
async def subscribed(
    settings: KafkaSettings, topics: Sequence[str], group: str, listener: ConsumerRebalanceListener
) -> AsyncIterator[AIOKafkaConsumer]:
    """The consumer of a FastStream subscriber without handler, to be read by hand in batches.

    Nothing is acknowledged by itself, a new group begins at the start, and topics are never made
    by accident.
    """
    broker = KafkaBroker(
        settings.kafka_bootstrap.split(","),  # which it does not do by itself
        security=_security(settings),
        allow_auto_create_topics=False,
        consumer_only=True,
        graceful_timeout=stopping.BROKER,
        logger=logging.getLogger(logs.FASTSTREAM),
    )
    # Started first: it would start subscribers that it knows once more.
    await asyncio.wait_for(broker.start(), START_SECONDS)
    subscriber = broker.subscriber(
        *topics,
        group_id=group,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.MANUAL,
        no_reply=True,
        listener=listener,
        session_timeout_ms=10_000,
        heartbeat_interval_ms=2_000,
        fetch_max_wait_ms=250,
        max_partition_fetch_bytes=4 * RECORD_LIMIT_BYTES,
        isolation_level="read_committed",
        persistent=False,
    )
    try:
        await asyncio.wait_for(subscriber.start(), START_SECONDS)
        if subscriber.consumer is None:
            raise ConnectionError("the subscriber has no consumer after its start")
        yield subscriber.consumer
    finally:
        # With the broker away it may not come to its end: the group will miss our heartbeats.
        await kafka.end(subscriber.stop(), stopping.SUBSCRIBER)
        await kafka.end(broker.stop(), stopping.BROKER)


def _security(settings: KafkaSettings) -> BaseSecurity:
    secured = settings.kafka_security_protocol in {"SSL", "SASL_SSL"}
    tls = kafka.tls(settings) if secured else None
    if not settings.kafka_security_protocol.startswith("SASL"):
        return BaseSecurity(ssl_context=tls, use_ssl=secured)
    scheme = {"PLAIN": SASLPlaintext, "SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}
    return scheme[settings.kafka_sasl_mechanism](
        username=settings.kafka_username,
        password=settings.kafka_password.get_secret_value(),
        ssl_context=tls,
        use_ssl=secured,
    )
