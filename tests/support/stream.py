"""A ticket's stream as the event log would make it: facts of Ana's ticket 1001, versions and records."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from aiokafka.structs import ConsumerRecord
from relato_contracts import notes, notifications
from relato_contracts.envelope import Envelope, encode
from relato_contracts.fields import Fact
from relato_contracts.topics import TOPIC_OF
from relato_runtime.decoded import Decoded
from relato_runtime.kafka import OutgoingRecord
from relato_runtime.settings import ServiceSettings

Given = tuple[Envelope, Fact]
"""A fact in its envelope, as tests give it."""

BEGINNING = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
ANA = {"author_id": "ana", "author_name": "Ana"}
CARLOS = {"author_id": "carlos", "author_name": "Carlos"}
EDU = {"author_id": "edu", "author_name": "Edu"}


def uuid(number: int) -> UUID:
    """A UUIDv7 that a number stands for."""
    return UUID(int=(0x01930000 << 96) | (0x7000 << 64) | (0x8000 << 48) | number)


def at(version: int) -> datetime:
    """When the fact of a version was recorded: one a minute."""
    return BEGINNING + timedelta(minutes=version)


def recorded(number: int = 1, **changes: object) -> notes.OccurrenceRecorded:
    """Carlos recorded an internal occurrence of 15 minutes."""
    known = _of_ticket(CARLOS) | {
        "occurrence_id": uuid(number),
        "description_html": f"<p>Texto {number}</p>",
        "description_text": f"Texto {number}",
        "occurred_at": BEGINNING - timedelta(hours=1),
        "time_spent_minutes": 15,
        "channel": "execution",
        "visible_to_requester": False,
        "notify_by_email": False,
    }
    return notes.OccurrenceRecorded.model_validate(known | changes)


def corrected(number: int = 1, **changes: object) -> notes.OccurrenceCorrected:
    """Edu corrected it."""
    known = _of_ticket(EDU) | {"occurrence_id": uuid(number), "reason": "Motivo interno"}
    return notes.OccurrenceCorrected.model_validate(known | changes)


def solved(number: int = 1, **changes: object) -> notes.OccurrenceSolved:
    """Edu solved it in ten minutes."""
    known = _of_ticket(EDU) | {
        "occurrence_id": uuid(number),
        "solution_html": "<p>Cabo trocado</p>",
        "solution_text": "Cabo trocado",
        "time_spent_minutes": 10,
    }
    return notes.OccurrenceSolved.model_validate(known | changes)


def retracted(number: int = 1, **changes: object) -> notes.OccurrenceRetracted:
    """Carlos retracted it."""
    known = _of_ticket(CARLOS) | {"occurrence_id": uuid(number), "reason": "Chamado errado"}
    return notes.OccurrenceRetracted.model_validate(known | changes)


def visibility(number: int, visible: bool, **changes: object) -> notes.OccurrenceVisibilityChanged:
    """Carlos showed or hid it."""
    known = _of_ticket(CARLOS) | {
        "occurrence_id": uuid(number),
        "visible_to_requester": visible,
        "notify_by_email": False,
        "reason": "Combinado por telefone",
    }
    return notes.OccurrenceVisibilityChanged.model_validate(known | changes)


def to_requester(number: int = 1, **changes: object) -> notes.RequesterMessaged:
    """Carlos wrote to Ana."""
    known = _of_ticket(CARLOS) | {
        "message_id": uuid(number),
        "text_html": f"<p>Mensagem {number}</p>",
        "text": f"Mensagem {number}",
        "notify_by_email": False,
    }
    return notes.RequesterMessaged.model_validate(known | changes)


def to_attendant(number: int = 1, **changes: object) -> notes.AttendantMessaged:
    """Ana wrote to Carlos."""
    known = _of_ticket(ANA) | {
        "message_id": uuid(number),
        "text_html": f"<p>Resposta {number}</p>",
        "text": f"Resposta {number}",
    }
    return notes.AttendantMessaged.model_validate(known | changes)


def chatted(number: int = 1, *, by_requester: bool = True, **changes: object) -> notes.ChatMessagePosted:
    """One of them wrote a line of chat."""
    known = _of_ticket(ANA if by_requester else CARLOS) | {
        "message_id": uuid(number),
        "sender": "requester" if by_requester else "executor",
        "text": f"Linha {number}",
        "recipient_online": True,
    }
    return notes.ChatMessagePosted.model_validate(known | changes)


def viewed(up_to_version: int, **changes: object) -> notes.HistoryViewed:
    """Ana looked at her ticket."""
    known = _of_ticket(ANA) | {"viewer_id": "ana", "up_to_version": up_to_version}
    return notes.HistoryViewed.model_validate(known | changes)


def erased(
    stream: Sequence[notes.NoteEvent], versions: Iterable[int], anonymous: Iterable[int] = ()
) -> notes.TextErased:
    """Texts of these versions of a stream are gone, and of some of them their authors' names."""
    named = sorted(versions)
    about = (subject(stream[version - 1]) for version in named)
    return notes.TextErased(
        ticket_id=stream[0].ticket_id,
        versions=tuple(named),
        anonymous=tuple(sorted(anonymous)),
        subjects=tuple(sorted({each for each in about if each is not None})),
        cause="request",
        erased_at=BEGINNING,
    )


def subject(fact: notes.NoteEvent) -> UUID | None:
    """The occurrence or message that a fact is about."""
    found: UUID | None = getattr(fact, "occurrence_id", None) or getattr(fact, "message_id", None)
    return found


def mailed(
    outcome: type[notifications.EmailAccepted] | type[notifications.EmailUncertain], number: int, minute: int
) -> notifications.EmailAccepted | notifications.EmailUncertain:
    """What became of a mail about the fact of version 1."""
    known = {
        "ticket_id": "1001",
        "mail_id": uuid(number),
        "event_id": event_id("1001", 1),
        "event_version": 1,
        "subject_id": uuid(1),
        "recipient": "ana@empresa.example",
        "recipient_role": "requester",
        "template_id": "t-251",
        "at": at(minute),
    }
    if outcome is notifications.EmailUncertain:
        known["reason"] = "Sem resposta do servidor"
    return outcome.model_validate(known)


def event_id(ticket_id: str, version: int) -> UUID:
    """The id of the event that stands at a version of a ticket's stream."""
    return uuid((int.from_bytes(ticket_id.encode()[-4:]) << 16) | version)


def noted(version: int, fact: Fact, **changes: object) -> Given:
    """A fact of ``relato.notes`` at its version."""
    ticket_id: str = getattr(fact, "ticket_id")  # noqa: B009  # every such fact has one
    envelope = Envelope(
        id=str(event_id(ticket_id, version)),
        source="/relato/notes",
        time=at(version),
        subject=ticket_id,
        stream_version=version,
    )
    return replace(envelope, **changes), fact  # type: ignore[arg-type]  # the test says what changes


def enveloped(number: int, fact: Fact, minute: int, source: str = "/itsm") -> Given:
    """A fact of another topic."""
    return Envelope(id=str(uuid(number)), source=source, time=at(minute), actor="davi"), fact


def stream(*facts: Fact) -> list[Given]:
    """Facts of a ticket from version 1 on."""
    return [noted(version, fact) for version, fact in enumerate(facts, 1)]


def outgoing(settings: ServiceSettings, given: Given) -> OutgoingRecord:
    """A fact as it is published."""
    envelope, fact = given
    key, value, headers = encode(fact, envelope)
    return OutgoingRecord(settings.topic_prefix + TOPIC_OF[type(fact)].name, key, value, headers)


def log(given: Iterable[Given]) -> list[Decoded]:
    """Facts as a consumer gets them, one record after the other on one partition a topic."""
    decoded: list[Decoded] = []
    for offset, (envelope, fact) in enumerate(given):
        key, value, headers = encode(fact, envelope)
        record: ConsumerRecord[bytes | None, bytes | None] = ConsumerRecord(
            topic=TOPIC_OF[type(fact)].name,
            partition=0,
            offset=offset,
            timestamp=0,
            timestamp_type=0,
            key=key,
            value=value,
            checksum=None,
            serialized_key_size=len(key),
            serialized_value_size=len(value),
            headers=headers,
        )
        decoded.append((record, envelope, fact))
    return decoded


def _of_ticket(author: dict[str, str]) -> dict[str, object]:
    return {"ticket_id": "1001", "requester_id": "ana", **author}
