"""What may happen on a ticket: a pure function from state, command and situation to facts."""

from typing import assert_never

from relato_contracts import notes as facts
from relato_contracts.notes import NoteEvent

from notes import conversation, errors, holding, occurrences
from notes.commands import (
    AnyCommand,
    ChangeVisibility,
    CorrectOccurrence,
    MarkViewed,
    PostChat,
    RecordOccurrence,
    ReleaseOccurrence,
    RetractOccurrence,
    SendMessage,
    SolveOccurrence,
    UndoSending,
)
from notes.situation import Notification, Situation
from notes.state import State, evolve

__all__ = ["State", "decide", "evolve", "notification"]


def decide(state: State, command: AnyCommand, situation: Situation) -> list[NoteEvent]:
    """The facts that follow from a command, or ``Refused``; none when it changes nothing."""
    # What is held back is still its author's, and time's, whatever they may see by now.
    if not (situation.may_see or isinstance(command, UndoSending | ReleaseOccurrence)):
        raise errors.TicketNotFound
    match command:
        case RecordOccurrence():
            return [occurrences.record(command, situation)]
        case CorrectOccurrence() | SolveOccurrence() | RetractOccurrence() | ChangeVisibility():
            return [occurrences.change(state, command, situation)]
        case UndoSending():
            return [holding.undo(state, command, situation)]
        case ReleaseOccurrence():
            return holding.release(state, command, situation)
        case SendMessage():
            return [conversation.send_message(command, situation)]
        case PostChat():
            return [conversation.post_chat(command, situation)]
        case MarkViewed():
            return conversation.mark_viewed(state, command, situation)
        case _:
            assert_never(command)


def notification(event: NoteEvent, situation: Situation) -> Notification:
    """What will become of the mail that follows from a fact."""
    match event:
        case facts.OccurrenceRecorded() if event.by_requester:
            return situation.mail_to_attendant()
        case facts.AttendantMessaged():
            return situation.mail_to_attendant()
        case facts.OccurrenceRecorded() | facts.OccurrenceVisibilityChanged() if event.release is not None:
            return situation.mail_to_requester() if event.release.notify_by_email else "none"
        case facts.OccurrenceRecorded() | facts.OccurrenceVisibilityChanged() | facts.RequesterMessaged():
            return situation.mail_to_requester() if event.notify_by_email else "none"
        case _:
            return "none"
