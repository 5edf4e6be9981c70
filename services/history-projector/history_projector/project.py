"""What each fact means for the rows of its ticket: pure functions from rows and fact to rows."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, assert_never
from uuid import UUID

from relato_contracts import notes, notifications
from relato_contracts.envelope import serialise
from relato_contracts.notes import Authored, NoteEvent
from relato_contracts.notifications import EmailOutcome

from history_projector.facts import Mailed, Noted
from history_projector.occurrences import evolve, record
from history_projector.rows import (
    ChatEntry,
    Entry,
    EntryKind,
    Occurrence,
    Outcome,
    RequesterEntry,
    Ticket,
    View,
)
from history_projector.tickets import advance


class Projected(NamedTuple):
    """The rows that follow from one fact of a ticket's stream; what is None stays as it was."""

    ticket: Ticket
    entry: Entry
    occurrence: Occurrence | None = None
    message: RequesterEntry | None = None
    chat: ChatEntry | None = None
    view: View | None = None


def project(ticket: Ticket, occurrence: Occurrence | None, noted: Noted) -> Projected:
    """What the next fact of a ticket's stream changes.

    ``occurrence`` is the one that the fact is about, as it stood before; raises
    ``UnknownOccurrence`` where the fact needs it and there is none.
    """
    fact = noted.fact
    match fact:
        case notes.OccurrenceRecorded():
            now = record(noted.version, noted.at, fact)
            entry = _entry(noted, fact, "occurrence", fact.occurrence_id, happened_at=fact.occurred_at)
            return Projected(advance(ticket, noted, shown=_changes_view(now, noted)), entry, now)
        case (
            notes.OccurrenceCorrected()
            | notes.OccurrenceSolved()
            | notes.OccurrenceRetracted()
            | notes.OccurrenceVisibilityChanged()
        ):
            now = evolve(occurrence, noted.version, noted.at, fact)
            entry = _entry(noted, fact, "action", fact.occurrence_id, action=_CHANGES[type(fact)])
            return Projected(advance(ticket, noted, shown=_changes_view(now, noted)), entry, now)
        case notes.RequesterMessaged() | notes.AttendantMessaged():
            entry = _entry(noted, fact, "message", fact.message_id)
            return Projected(advance(ticket, noted, shown=True), entry, message=_message(noted, fact))
        case notes.ChatMessagePosted():
            entry = _entry(noted, fact, "chat", fact.message_id)
            return Projected(advance(ticket, noted, shown=True), entry, chat=_chat(noted, fact))
        case notes.HistoryViewed():
            view = View(fact.ticket_id, fact.up_to_version, noted.at, fact.viewer_id)
            entry = _entry(noted, fact, "view", None)
            return Projected(advance(ticket, noted, shown=False), entry, view=view)
        case notes.TextErased():
            return Projected(advance(ticket, noted, shown=False), _erasure(noted, fact))
        case _:
            assert_never(fact)


def project_mail(mailed: Mailed) -> tuple[Entry, Outcome]:
    """The outcome of a mail, and its entry in the ticket's history."""
    fact = mailed.fact
    state = _STATES[type(fact)]
    entry = Entry(
        fact.ticket_id, mailed.at, 0, mailed.event_id, "mail", f"email-{state}", fact.subject_id, None, None,
        fact.at, serialise(fact).decode(),
    )  # fmt: skip
    reason = None if isinstance(fact, notifications.EmailAccepted) else fact.reason
    outcome = Outcome(
        fact.mail_id, fact.ticket_id, fact.event_id, fact.event_version, fact.subject_id, fact.recipient,
        fact.recipient_role, fact.template_id, state, reason, fact.at, mailed.event_id,
    )  # fmt: skip
    return entry, outcome


_CHANGES: Mapping[type[NoteEvent], str] = {
    notes.OccurrenceCorrected: "occurrence-corrected",
    notes.OccurrenceSolved: "occurrence-solved",
    notes.OccurrenceRetracted: "occurrence-retracted",
    notes.OccurrenceVisibilityChanged: "occurrence-visibility-changed",
}
_STATES: Mapping[type[EmailOutcome], str] = {
    notifications.EmailAccepted: "accepted",
    notifications.EmailRejected: "rejected",
    notifications.EmailUncertain: "uncertain",
    notifications.EmailSuppressed: "suppressed",
}


def _changes_view(occurrence: Occurrence, noted: Noted) -> bool:
    """Whether the requester sees something else now; that an occurrence vanished is not pointed out."""
    return (
        occurrence.visible_to_requester
        and not occurrence.retracted
        and occurrence.shown_version == noted.version
    )


def _erasure(noted: Noted, fact: notes.TextErased) -> Entry:
    """Nobody in the ticket did it, and nothing happened on it: so it has no author and is no activity."""
    return Entry(
        fact.ticket_id, noted.at, noted.version, noted.event_id, "action", "text-erased", None, None, None,
        fact.erased_at, serialise(fact).decode(),
    )  # fmt: skip


def _entry(
    noted: Noted,
    fact: Authored,
    kind: EntryKind,
    subject_id: UUID | None,
    *,
    action: str | None = None,
    happened_at: datetime | None = None,
) -> Entry:
    return Entry(
        fact.ticket_id, noted.at, noted.version, noted.event_id, kind, action, subject_id, fact.author_id,
        fact.author_name, happened_at or noted.at, serialise(fact).decode(),
    )  # fmt: skip


def _message(noted: Noted, fact: notes.RequesterMessaged | notes.AttendantMessaged) -> RequesterEntry:
    return RequesterEntry(
        fact.ticket_id, noted.version, noted.at, fact.message_id, "message", fact.author_id, fact.author_name,
        noted.at, fact.text_html, None, False, noted.version, fact.author_id,
    )  # fmt: skip


def _chat(noted: Noted, fact: notes.ChatMessagePosted) -> ChatEntry:
    return ChatEntry(
        fact.ticket_id, noted.version, fact.message_id, noted.at, fact.sender, fact.author_id,
        fact.author_name, fact.text, fact.recipient_online,
    )  # fmt: skip
