"""Outcomes of mails to Kafka: at least once, in order, by one process at a time."""

import asyncio

from aiokafka import AIOKafkaProducer
from opentelemetry.trace import SpanKind
from prometheus_client import Counter
from relato_contracts.envelope import Envelope, headers
from relato_contracts.topics import NOTIFICATIONS
from relato_runtime import background, kafka, published, telemetry
from relato_runtime.database import Connection, Pool
from relato_runtime.published import Acknowledged
from relato_runtime.readiness import Readiness
from relato_runtime.settings import ServiceSettings

from notifier import outbox
from notifier.outbox import Pending

PUBLISHED = Counter("relato_mail_outcomes_published", "Outcomes acknowledged by Kafka")

SOURCE = "/relato/notifier"
_POLL_SECONDS = 0.5
_BATCH = 1_000


async def publish(
    settings: ServiceSettings, pool: Pool, readiness: Readiness, part: str, told: asyncio.Event
) -> None:
    """Publish what the outbox holds until something goes wrong; a new run begins from the table.

    ``told`` is set when this process may have put something there; for all else it is looked at now and then.
    """
    topic = settings.topic_prefix + NOTIFICATIONS.name
    async with kafka.producing(settings, linger_ms=2) as producer:
        readiness.has(part)
        acknowledged = Acknowledged()
        while True:
            told.clear()
            async with pool.acquire() as connection:
                # Mostly nothing does, which is to cost a question alone.
                waited = await outbox.waits(connection)
                if waited and await _publish(connection, producer, topic, acknowledged):
                    continue
            await background.rest(told, _POLL_SECONDS)


async def _publish(
    connection: Connection, producer: AIOKafkaProducer, topic: str, acknowledged: Acknowledged
) -> bool:
    """Publish what waits, unless another process is at it; whether there was anything to publish."""
    async with connection.transaction():
        leads = await outbox.lead(connection)
        outcomes = await outbox.pending(connection, _BATCH) if leads else []
        since = telemetry.now()
        if outcomes:
            placed = await kafka.send(producer, (_record(topic, each) for each in outcomes))
            await outbox.acknowledge(connection, [each.seq for each in outcomes])
            await published.advance(connection, acknowledged.take(placed))
            PUBLISHED.inc(len(outcomes))
    for each in outcomes:
        telemetry.past(
            f"publish {topic}",
            each.traceparent,
            since,
            kind=SpanKind.PRODUCER,
            messaging__system="kafka",
            messaging__destination__name=topic,
            relato__ticket_id=each.ticket_id,
        )
    return bool(outcomes)


def _record(topic: str, outcome: Pending) -> kafka.OutgoingRecord:
    envelope = Envelope(
        id=str(outcome.outcome_id),
        source=SOURCE,
        time=outcome.at,
        subject=outcome.ticket_id,
        correlation_id=outcome.correlation_id,
        causation_id=str(outcome.event_id),
        traceparent=outcome.traceparent,
    )
    key = outcome.ticket_id
    return kafka.OutgoingRecord(
        topic, key.encode(), outcome.data.encode(), headers(outcome.type, key, envelope)
    )
