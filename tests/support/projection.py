"""Read models filled by the projector's own code, without a broker between."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
from aiokafka.structs import ConsumerRecord
from history_projector import generations, reference
from history_projector.consume import Projector
from relato_contracts import itsm, notes, notifications
from relato_contracts.envelope import Envelope, encode
from relato_contracts.fields import Fact
from relato_contracts.notes import NoteFact
from relato_contracts.topics import TICKETS, TOPIC_OF
from relato_runtime.decoded import Decoded
from uuid6 import uuid7

from tests.support.world import OPENED_AT

RELEASE_AT = OPENED_AT + timedelta(seconds=10)


def new_id() -> UUID:
    """The id of an occurrence, message or event."""
    return UUID(str(uuid7()))


class Projection:
    """The history's database, brought on fact by fact; each happens a minute after the one before."""

    def __init__(self, url: str, generation: int = 1) -> None:
        self.url = url
        self._generation = generation
        self._versions: Counter[str] = Counter()
        self._offset = 0
        self.now = OPENED_AT

    async def create(self) -> None:
        """Make the first generation, as the projector does at its first start."""
        async with asyncpg.create_pool(self.url, min_size=1, max_size=2) as pool:
            await generations.consuming(pool)

    async def tell(self, *facts: Fact, actor: str | None = None) -> None:
        """Project facts in order."""
        decoded = [self._decoded(fact, actor) for fact in facts]
        about_tickets = [
            each
            for each in decoded
            if isinstance(each[2], itsm.TicketSaved | NoteFact | notes.TextErased | notifications.EmailFact)
        ]
        others = [each for each in decoded if type(each[2]) in itsm.KINDS.values()]
        await self._apply(others, about_tickets)

    async def tell_again(self, fact: Fact, then: Fact) -> None:
        """Project a fact and, with the same envelope, what its record says when it comes once more."""
        record, envelope, _ = self._decoded(fact, None)
        for each in (fact, then):
            await self._apply([], [(record, envelope, each)])

    async def remove_ticket(self, ticket_id: str) -> None:
        """The tombstone of a ticket."""
        record = self._record(TICKETS.name, ticket_id.encode(), None, [])
        removed = (record, Envelope(str(new_id()), "/itsm", self._tick()), None)
        await self._apply([removed], [removed])

    async def _apply(self, others: Sequence[Decoded], about_tickets: Sequence[Decoded]) -> None:
        connection = await asyncpg.connect(generations.address(self.url, self._generation))
        try:
            async with connection.transaction():
                await reference.apply(connection, others)
                if about_tickets:
                    assert not await Projector(self._generation).apply(connection, about_tickets)
        finally:
            await connection.close()

    def _decoded(self, fact: Fact, actor: str | None) -> Decoded:
        version = None
        if isinstance(fact, NoteFact | notes.TextErased):
            self._versions[fact.ticket_id] += 1
            version = self._versions[fact.ticket_id]
        envelope = Envelope(
            id=str(new_id()), source="/tests", time=self._tick(), stream_version=version, actor=actor
        )
        key, value, headers = encode(fact, envelope)
        return self._record(TOPIC_OF[type(fact)].name, key, value, headers), envelope, fact

    def _record(
        self, topic: str, key: bytes, value: bytes | None, headers: Sequence[tuple[str, bytes]]
    ) -> "ConsumerRecord[bytes | None, bytes | None]":
        self._offset += 1
        return ConsumerRecord(topic, 0, self._offset, 0, 0, key, value, None, 0, 0, headers)

    def _tick(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now.astimezone(UTC)


def recorded(ticket_id: str = "1001", **changes: object) -> notes.OccurrenceRecorded:
    """Carlos recorded an internal occurrence on Ana's ticket."""
    known: dict[str, object] = {
        **_by(ticket_id, "carlos"),
        "occurrence_id": new_id(),
        "description_html": "<p>Cabo trocado</p>",
        "description_text": "Cabo trocado",
        "occurred_at": OPENED_AT,
        "time_spent_minutes": 15,
        "channel": "execution",
        "visible_to_requester": False,
        "notify_by_email": False,
    }
    return notes.OccurrenceRecorded.model_validate(known | changes)


def corrected(of: notes.OccurrenceRecorded, **changes: object) -> notes.OccurrenceCorrected:
    """Edu said it differently."""
    known: dict[str, object] = {
        **_by(of.ticket_id, "edu"),
        "occurrence_id": of.occurrence_id,
        "description_html": "<p>Cabo novo</p>",
        "description_text": "Cabo novo",
        "reason": "Era outro cabo",
    }
    return notes.OccurrenceCorrected.model_validate(known | changes)


def solved(of: notes.OccurrenceRecorded, **changes: object) -> notes.OccurrenceSolved:
    """Carlos solved it in another ten minutes."""
    known: dict[str, object] = {
        **_by(of.ticket_id, "carlos"),
        "occurrence_id": of.occurrence_id,
        "solution_html": "<p>Funciona</p>",
        "solution_text": "Funciona",
        "time_spent_minutes": 10,
    }
    return notes.OccurrenceSolved.model_validate(known | changes)


def retracted(of: notes.OccurrenceRecorded, **changes: object) -> notes.OccurrenceRetracted:
    """Carlos took it back."""
    by = _by(of.ticket_id, "carlos")
    return notes.OccurrenceRetracted.model_validate(
        {**by, "occurrence_id": of.occurrence_id, "reason": "Chamado errado"} | changes
    )


def visibility(
    of: notes.OccurrenceRecorded, visible: bool, **changes: object
) -> notes.OccurrenceVisibilityChanged:
    """Carlos showed it, or hid it."""
    return notes.OccurrenceVisibilityChanged.model_validate(
        {
            **_by(of.ticket_id, "carlos"),
            "occurrence_id": of.occurrence_id,
            "visible_to_requester": visible,
            "notify_by_email": False,
            "reason": "Engano",
        }
        | changes
    )


def release(**changes: object) -> notes.Release:
    """It is to be shown and mailed, some time."""
    return notes.Release.model_validate({"at": RELEASE_AT, "notify_by_email": True} | changes)


def messaged(ticket_id: str = "1001", author_id: str = "carlos") -> NoteFact:
    """A message to the requester, or from her."""
    known: dict[str, object] = {
        **_by(ticket_id, author_id),
        "message_id": new_id(),
        "text_html": "<p>Reinicie, por favor</p>",
        "text": "Reinicie, por favor",
    }
    if author_id == "ana":
        return notes.AttendantMessaged.model_validate(known)
    return notes.RequesterMessaged.model_validate(known | {"notify_by_email": True})


def chatted(ticket_id: str = "1001", author_id: str = "carlos", text: str = "Olá <Ana>") -> NoteFact:
    """A line of chat."""
    sender = "requester" if author_id == "ana" else "executor"
    return notes.ChatMessagePosted.model_validate(
        {
            **_by(ticket_id, author_id),
            "message_id": new_id(),
            "sender": sender,
            "text": text,
            "recipient_online": True,
        }
    )


def viewed(up_to_version: int, ticket_id: str = "1001") -> NoteFact:
    """Ana saw the history up to a version."""
    return notes.HistoryViewed.model_validate(
        {**_by(ticket_id, "ana"), "viewer_id": "ana", "up_to_version": up_to_version}
    )


def erased(
    *versions: int, anonymous: Sequence[int] = (), subjects: Sequence[UUID] = (), ticket_id: str = "1001"
) -> notes.TextErased:
    """Texts of these versions are gone, at somebody's request."""
    return notes.TextErased(
        ticket_id=ticket_id,
        versions=versions,
        anonymous=tuple(anonymous),
        subjects=tuple(subjects),
        cause="request",
        erased_at=OPENED_AT,
    )


def accepted(subject_id: UUID, at: datetime, ticket_id: str = "1001") -> notifications.EmailAccepted:
    """The mail server took a mail to Ana."""
    return notifications.EmailAccepted.model_validate(_mail(subject_id, at, ticket_id))


def rejected(of: notifications.EmailFact, at: datetime) -> notifications.EmailRejected:
    """The mail bounced after all."""
    known = of.model_dump() | {"at": at, "reason": "550 no such user"}
    return notifications.EmailRejected.model_validate(known)


def _mail(subject_id: UUID, at: datetime, ticket_id: str) -> dict[str, object]:
    return {
        "ticket_id": ticket_id,
        "mail_id": new_id(),
        "event_id": new_id(),
        "event_version": 1,
        "subject_id": subject_id,
        "recipient": "ana@empresa.example",
        "recipient_role": "requester",
        "template_id": "t-251",
        "at": at,
    }


def _by(ticket_id: str, author_id: str) -> dict[str, object]:
    return {
        "ticket_id": ticket_id,
        "requester_id": "ana",
        "author_id": author_id,
        "author_name": author_id.title(),
    }
