"""Facts of the topic ``relato.notes``: what happened while tickets were executed."""

from typing import Literal

from pydantic import UUID7, BaseModel, ConfigDict, Field

from relato_contracts.fields import ChatText, Fact, Html, Id, Line, Minutes, Reason, Text, UtcTime, Version

Channel = Literal["execution", "toolbar", "portal", "api"]
ReleaseOutcome = Literal["shown", "withheld", "undone"]
ErasureCause = Literal["request", "retention"]


class Release(BaseModel):
    """What is still internal is to be shown to the requester: when, and whether by mail too."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    at: UtcTime
    notify_by_email: bool


class NoteFact(Fact):
    """A fact about one ticket: whose ticket it is, and who did it."""

    ticket_id: Id
    requester_id: Id
    author_id: Id
    author_name: Line


class OccurrenceRecorded(NoteFact):
    """Somebody recorded what happened on a ticket."""

    occurrence_id: UUID7
    description_html: Html
    description_text: Text
    occurred_at: UtcTime
    time_spent_minutes: Minutes
    solution_html: Html | None = None
    category_id: Id | None = None
    origin_id: Id | None = None
    channel: Channel
    visible_to_requester: bool
    notify_by_email: bool
    release: Release | None = Field(
        default=None, description="Held back, and hence internal: to be shown then, unless that is undone."
    )

    @property
    def by_requester(self) -> bool:
        """Whether it is what a requester writes: always visible to them, and never mailed to them.

        Executors may be requesters of tickets too. In the portal they act as requesters, in the execution
        area as executors; what they show themselves through the API is told to whoever executes, too.
        """
        return (
            self.author_id == self.requester_id
            and self.channel in {"portal", "api"}
            and self.visible_to_requester
            and not self.notify_by_email
        )


class OccurrenceCorrected(NoteFact):
    """An occurrence says something else from now on; absent fields stay as they were."""

    occurrence_id: UUID7
    description_html: Html | None = None
    description_text: Text | None = None
    occurred_at: UtcTime | None = None
    time_spent_minutes: Minutes | None = None
    solution_html: Html | None = None
    category_id: Id | None = None
    origin_id: Id | None = None
    reason: Reason = Field(description="Internal: never shown to the requester.")


class OccurrenceSolved(NoteFact):
    """An occurrence got its solution; the minutes come on top of those recorded before."""

    occurrence_id: UUID7
    solution_html: Html
    solution_text: Text
    time_spent_minutes: Minutes
    reason: Reason | None = Field(default=None, description="Internal: never shown to the requester.")


class OccurrenceRetracted(NoteFact):
    """An occurrence should not have been recorded."""

    occurrence_id: UUID7
    reason: Reason = Field(description="Internal: never shown to the requester.")
    release_outcome: ReleaseOutcome | None = Field(
        default=None,
        description="It was held back, and its author undid sending it; the reason is a code then.",
    )


class OccurrenceVisibilityChanged(NoteFact):
    """An occurrence is shown to the requester, or hidden from them."""

    occurrence_id: UUID7
    visible_to_requester: bool
    notify_by_email: bool
    reason: Reason = Field(description="Internal: never shown to the requester.")
    release: Release | None = Field(
        default=None,
        description="Held back, and hence still hidden: to be shown then, unless that is undone.",
    )
    release_outcome: ReleaseOutcome | None = Field(
        default=None,
        description="What became of an occurrence that was held back; the reason is a code then.",
    )


class RequesterMessaged(NoteFact):
    """An executor wrote to the requester."""

    message_id: UUID7
    text_html: Html
    text: Text
    notify_by_email: bool


class AttendantMessaged(NoteFact):
    """The requester wrote to whoever executes the ticket."""

    message_id: UUID7
    text_html: Html
    text: Text


class ChatMessagePosted(NoteFact):
    """A line of chat between requester and executor."""

    message_id: UUID7
    sender: Literal["requester", "executor"]
    text: ChatText
    recipient_online: bool


class HistoryViewed(NoteFact):
    """The requester saw their ticket's history up to and including a version."""

    viewer_id: Id
    up_to_version: Version


class TextErased(Fact):
    """What was said in earlier facts of this ticket is gone: on request, or since it was kept long enough.

    The facts themselves stay, with ``[erased]`` in the place of words. Whoever has kept those forgets them.
    """

    ticket_id: Id
    versions: tuple[Version, ...] = Field(description="Of the facts that nobody can read any more.")
    anonymous: tuple[Version, ...] = Field(
        description="Of those among them whose author's name is gone, too."
    )
    subjects: tuple[UUID7, ...] = Field(
        description="The occurrences and messages that these facts are about."
    )
    cause: ErasureCause
    erased_at: UtcTime


OccurrenceFact = (
    OccurrenceRecorded
    | OccurrenceCorrected
    | OccurrenceSolved
    | OccurrenceRetracted
    | OccurrenceVisibilityChanged
)
Authored = OccurrenceFact | RequesterMessaged | AttendantMessaged | ChatMessagePosted | HistoryViewed
"""Facts that say who did something on a ticket."""
NoteEvent = Authored | TextErased
