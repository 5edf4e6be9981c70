"""What people ask for. Ids, author and time are filled in at the edge; nothing below reads a clock."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from relato_contracts.notes import Channel

from notes.text import RichText


@dataclass(frozen=True, slots=True)
class Command:
    """Who asks something of which ticket, and when."""

    ticket_id: str
    author_id: str
    now: datetime


@dataclass(frozen=True, slots=True)
class RecordOccurrence(Command):
    """Record what happened."""

    occurrence_id: UUID
    description: RichText
    occurred_at: datetime
    time_spent_minutes: int
    solution: RichText | None
    category_id: str | None
    origin_id: str | None
    channel: Channel
    visible_to_requester: bool
    notify_by_email: bool
    hold_seconds: int = 0
    """For how long the requester is not to see it yet, so that it can be undone."""


@dataclass(frozen=True, slots=True)
class OccurrenceCommand(Command):
    """Something about an occurrence, from somebody who saw it as of ``expected_version``."""

    occurrence_id: UUID
    expected_version: int | None


@dataclass(frozen=True, slots=True)
class CorrectOccurrence(OccurrenceCommand):
    """Say it differently; fields that are None stay as they are."""

    description: RichText | None
    occurred_at: datetime | None
    time_spent_minutes: int | None
    solution: RichText | None
    category_id: str | None
    origin_id: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class SolveOccurrence(OccurrenceCommand):
    """Give an occurrence its solution."""

    solution: RichText
    time_spent_minutes: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RetractOccurrence(OccurrenceCommand):
    """Take back what should not have been recorded."""

    reason: str


@dataclass(frozen=True, slots=True)
class ChangeVisibility(OccurrenceCommand):
    """Show an occurrence to the requester, or hide it from them."""

    visible_to_requester: bool
    notify_by_email: bool
    reason: str
    hold_seconds: int = 0


@dataclass(frozen=True, slots=True)
class UndoSending(OccurrenceCommand):
    """Let what is held back not be shown."""


@dataclass(frozen=True, slots=True)
class ReleaseOccurrence(OccurrenceCommand):
    """Show what was held back, now that its time has come: asked by the service, for its author."""


@dataclass(frozen=True, slots=True)
class SendMessage(Command):
    """Write to the requester, or as the requester to whoever executes the ticket."""

    message_id: UUID
    text: RichText
    notify_by_email: bool


@dataclass(frozen=True, slots=True)
class PostChat(Command):
    """Say something in the ticket's chat."""

    message_id: UUID
    text: str


@dataclass(frozen=True, slots=True)
class MarkViewed(Command):
    """Say that the requester has seen the history up to a version."""

    up_to_version: int


AnyCommand = (
    RecordOccurrence
    | CorrectOccurrence
    | SolveOccurrence
    | RetractOccurrence
    | ChangeVisibility
    | UndoSending
    | ReleaseOccurrence
    | SendMessage
    | PostChat
    | MarkViewed
)
