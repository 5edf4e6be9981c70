"""Decisions about the time in which sending can be undone: held back, undone, released."""

from datetime import datetime, timedelta
from typing import Literal

from relato_contracts import notes as facts
from relato_contracts.notes import NoteEvent, Release, ReleaseOutcome
from relato_runtime.field_errors import FieldError

from notes import errors
from notes.commands import ChangeVisibility, RecordOccurrence, ReleaseOccurrence, UndoSending
from notes.rules import Who
from notes.situation import Situation
from notes.state import Held, Occurrence, State

LONGEST_SECONDS = 60
FARTHEST = timedelta(seconds=LONGEST_SECONDS) + timedelta(minutes=5)
"""How far ahead anything can be due, by clocks that are a few minutes apart."""

_Withheld = Literal["ticket-removed", "requester-changed", "author-inactive", "occurrences-disabled"]


def hold(command: RecordOccurrence | ChangeVisibility) -> Release | None:
    """What is to happen later, for a command that holds back; its fact is internal then."""
    if not command.hold_seconds:
        return None
    at = command.now + timedelta(seconds=command.hold_seconds)
    return Release(at=at, notify_by_email=command.notify_by_email)


def wrong_hold(
    command: RecordOccurrence | ChangeVisibility, *, by_requester: bool = False
) -> list[FieldError]:
    """Only what an executor shows to the requester can be held back."""
    if command.hold_seconds and (by_requester or not command.visible_to_requester):
        return [FieldError("/hold_seconds", "Only what is to be shown to the requester is held back.")]
    return []


def undo(state: State, command: UndoSending, situation: Situation) -> NoteEvent:
    """It is not shown: what was recorded so is retracted, what was internal before stays internal.

    Whoever wrote it may do so whatever happened to the ticket or to their permissions: it takes away.
    """
    occurrence = state.occurrences.get(command.occurrence_id)
    held = None if occurrence is None else occurrence.held
    if held is None or held.author_id != command.author_id:
        raise _why_not(occurrence, situation)
    by = _who(command, held)
    if held.since_recorded:
        return facts.OccurrenceRetracted(
            **by, occurrence_id=command.occurrence_id, reason="undone", release_outcome="undone"
        )
    return _visibility(by, command, visible=False, mail=False, reason="undone", outcome="undone")


def release(state: State, command: ReleaseOccurrence, situation: Situation) -> list[NoteEvent]:
    """Show what is due; nothing for what is not held back any more, whoever ended that.

    The decision to show it was made, and allowed, when it was recorded: a ticket that was closed or
    handed to another group meanwhile changes nothing. What must not go out all the same is withheld,
    and that is a fact too.
    """
    occurrence = state.occurrences.get(command.occurrence_id)
    held = None if occurrence is None else occurrence.held
    if held is None or not _due(held.at, command.now):
        return []
    why = _withheld(held, situation)
    return [
        _visibility(
            _who(command, held),
            command,
            visible=why is None,
            mail=why is None and held.notify_by_email,
            reason=why or "shown",
            outcome="shown" if why is None else "withheld",
        )
    ]


def _due(at: datetime, now: datetime) -> bool:
    """Its time has come, or lies so far ahead that the clock was wrong by which it was held back."""
    return not now < at <= now + FARTHEST


def _withheld(held: Held, situation: Situation) -> _Withheld | None:
    if not situation.ticket_known:
        return "ticket-removed"
    if situation.requester_id != held.requester_id:
        return "requester-changed"  # it was written to somebody else
    if not situation.author_active:
        return "author-inactive"
    return None if situation.switched_on(298) else "occurrences-disabled"


def _why_not(occurrence: Occurrence | None, situation: Situation) -> errors.Refused:
    if not situation.may_see:
        return errors.TicketNotFound()
    if not situation.may_write:
        return errors.NotPermitted()
    if occurrence is None:
        return errors.OccurrenceNotFound()
    if occurrence.retracted:
        return errors.AlreadyRetracted()
    return errors.AlreadyReleased() if occurrence.held is None else errors.NotPermitted()


def _who(command: UndoSending | ReleaseOccurrence, held: Held) -> Who:
    """As it was when it was held back: the ticket and its author may be gone."""
    return Who(
        ticket_id=command.ticket_id,
        requester_id=held.requester_id,
        author_id=held.author_id,
        author_name=held.author_name,
    )


def _visibility(
    by: Who,
    command: UndoSending | ReleaseOccurrence,
    *,
    visible: bool,
    mail: bool,
    reason: str,
    outcome: ReleaseOutcome,
) -> NoteEvent:
    return facts.OccurrenceVisibilityChanged(
        **by,
        occurrence_id=command.occurrence_id,
        visible_to_requester=visible,
        notify_by_email=mail,
        reason=reason,
        release_outcome=outcome,
    )
