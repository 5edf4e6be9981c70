"""What requests carry, as other programs see it: strict, and without fields that nobody knows."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from relato_contracts.fields import ChatText, Html, Id, Minutes, Reason, UtcTime, Version
from relato_contracts.notes import Channel

from notes.holding import LONGEST_SECONDS

HoldSeconds = Annotated[
    int,
    Field(
        ge=0,
        le=LONGEST_SECONDS,
        description="For so long the requester does not see it, and its author can undo sending it.",
    ),
]


class Body(BaseModel):
    """A request's JSON object; JSON's types are taken at their word (true is not a number)."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class OccurrenceBody(Body):
    """An occurrence to record."""

    description_html: Html
    occurred_at: UtcTime
    time_spent_minutes: Minutes = 0
    solution_html: Html | None = None
    category_id: Id | None = None
    origin_id: Id | None = None
    channel: Channel = "api"
    visible_to_requester: bool = False
    notify_by_email: bool = False
    hold_seconds: HoldSeconds = 0


class CorrectionBody(Body):
    """What an occurrence is to say from now on; absent fields stay as they are."""

    description_html: Html | None = None
    occurred_at: UtcTime | None = None
    time_spent_minutes: Minutes | None = None
    solution_html: Html | None = None
    category_id: Id | None = None
    origin_id: Id | None = None
    reason: Reason


class SolutionBody(Body):
    """The solution of an occurrence; the minutes come on top of those recorded before."""

    solution_html: Html
    time_spent_minutes: Minutes = 0
    reason: Reason | None = None


class RetractionBody(Body):
    """Why an occurrence is taken back."""

    reason: Reason


class VisibilityBody(Body):
    """Whether the requester may see an occurrence, and why that changes."""

    visible_to_requester: bool
    notify_by_email: bool = False
    hold_seconds: HoldSeconds = 0
    reason: Reason


class UndoBody(Body):
    """Nothing: undoing needs no reason."""


class MessageBody(Body):
    """A message to the requester, or from them."""

    text_html: Html
    notify_by_email: bool = False


class ChatBody(Body):
    """A line of chat."""

    text: ChatText


class ViewBody(Body):
    """How far the requester has read."""

    up_to_version: Version
