"""An event of ``relato.notes`` as the notifier handles it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from relato_contracts.envelope import Envelope, Undecodable, event_uuid
from relato_contracts.notes import HistoryViewed, NoteEvent, OccurrenceFact, TextErased


@dataclass(frozen=True, slots=True)
class Event:
    """A fact, which one it is, and where it stands in its ticket's stream."""

    id: UUID
    version: int
    at: datetime
    correlation_id: str | None
    traceparent: str | None
    fact: NoteEvent


def read(envelope: Envelope, fact: NoteEvent) -> Event:
    """An event from its record; ``Undecodable`` when it lacks what our own events have."""
    if envelope.stream_version is None:
        raise Undecodable("missing-attribute", "header 'ce_streamversion' is missing")
    return Event(
        id=event_uuid(envelope),
        version=envelope.stream_version,
        at=envelope.time,
        correlation_id=envelope.correlation_id,
        traceparent=envelope.traceparent,
        fact=fact,
    )


def subject_id(fact: NoteEvent) -> UUID:
    """Which occurrence or message a fact is about; facts that are about none have no mails."""
    if isinstance(fact, OccurrenceFact):
        return fact.occurrence_id
    if isinstance(fact, HistoryViewed | TextErased):
        raise TypeError("that somebody looked, or that texts went, is about no occurrence or message")
    return fact.message_id
