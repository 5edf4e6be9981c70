"""Pure: an event of the log as its record on Kafka."""

from relato_contracts.envelope import Envelope, headers
from relato_runtime.kafka import OutgoingRecord

from notes import requested
from notes.operating.adopt import SOURCE
from notes.outbox import Pending
from notes.proof import chain


def record_of(topic: str, event: Pending, replay_id: str | None = None) -> OutgoingRecord:
    """The record; consumers pass over what is replayed where it would be told to somebody again."""
    envelope = Envelope(
        id=str(event.event_id),
        source=SOURCE,
        time=event.recorded_at,
        subject=event.ticket_id,
        stream_version=event.version,
        actor=event.actor,
        correlation_id=event.correlation_id,
        causation_id=event.correlation_id,
        replay_id=replay_id or event.replay_id,
        traceparent=event.traceparent,
    )
    key = event.ticket_id
    attributes: list[tuple[str, bytes | None]] = [*headers(event.type, key, envelope)]
    if event.request is not None:
        attributes.append((requested.HEADER, event.request.encode()))
    attributes += chain.headers(event.salt, event.openings)
    return OutgoingRecord(topic, key.encode(), event.data.encode(), attributes)
