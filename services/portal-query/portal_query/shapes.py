"""The JSON that the portal answers with; what does not apply is absent."""

from datetime import datetime
from typing import Generic, Literal, NotRequired, TypeVar
from uuid import UUID

from typing_extensions import TypedDict  # pydantic asks for this one before Python 3.12

EntryKind = Literal["occurrence", "message", "chat", "mail", "action"]
MailState = Literal["accepted", "rejected", "uncertain", "suppressed"]


class Person(TypedDict):
    """Somebody by name."""

    id: str
    name: str


class Group(TypedDict):
    """A group by name."""

    id: str
    name: str


class Ticket(TypedDict):
    """A ticket as the desk shows it."""

    ticket_id: str
    title: str
    status: str
    requester: Person
    group: Group
    responsible: NotRequired[Person]
    opened_at: datetime
    time_spent_minutes: int
    last_version: int
    last_activity_at: datetime
    unread: int


class Earlier(TypedDict):
    """A text that was replaced, and the reason why it was."""

    version: int
    description_html: str
    reason: str
    author: Person
    recorded_at: str


class Retraction(TypedDict):
    """Who took an occurrence back, when and why."""

    reason: str
    """A code, where it was undone."""
    undone: bool
    """It was held back, and its author undid sending it."""
    author: Person
    recorded_at: str


class MailDecision(TypedDict):
    """What somebody decided about a mail of which nobody knew whether it went out."""

    decision: Literal["resend", "leave"]
    person_id: str
    person_name: str
    at: str
    reason: NotRequired[str]


class EmailState(TypedDict):
    """What became of a mail about an entry."""

    mail_id: UUID | str
    recipient: str
    state: MailState
    at: datetime | str
    reason: NotRequired[str]
    decision: NotRequired[MailDecision]
    """The last one about it."""
    awaits_decision: NotRequired[bool]
    """Somebody has to say whether it goes out once more (``POST /api/notifier/mails/{mail_id}/decision``)."""


class Entry(TypedDict):
    """One line of a ticket's history as executors see it."""

    version: int
    """Of the last fact about it; 0 for what stands outside of the ticket's stream."""
    kind: EntryKind
    event_id: NotRequired[UUID]
    recorded_at: datetime
    happened_at: datetime
    author: NotRequired[Person]
    occurrence_id: NotRequired[UUID]
    message_id: NotRequired[UUID]
    subject_id: NotRequired[UUID]
    """Of an action or mail: what it is about."""
    action: NotRequired[str]
    changes: NotRequired[dict[str, object]]
    """Of an action: each field with what it was, where that is known, and what it is."""
    reason: NotRequired[str]
    channel: NotRequired[str]
    description_html: NotRequired[str]
    text: NotRequired[str]
    """Of chat: the line as it was typed."""
    sender: NotRequired[Literal["requester", "executor"]]
    time_spent_minutes: NotRequired[int]
    solution_html: NotRequired[str]
    category_id: NotRequired[str]
    origin_id: NotRequired[str]
    visible_to_requester: NotRequired[bool]
    notify_by_email: NotRequired[bool]
    release_at: NotRequired[datetime | str]
    """It is held back and internal until then, and its author can undo sending it until it is shown."""
    release_by_email: NotRequired[bool]
    """Of what is held back: whether it is mailed too when it is shown."""
    release_author_id: NotRequired[str]
    """Of what is held back: who can undo that."""
    release_recorded: NotRequired[bool]
    """Of what is held back: it was recorded so, and undoing retracts it."""
    release_outcome: NotRequired[Literal["shown", "withheld", "undone"]]
    """Of an action: it ended the holding back of an occurrence; the reason is a code then."""
    corrected: NotRequired[bool]
    retracted: NotRequired[bool]
    retraction: NotRequired[Retraction]
    earlier: NotRequired[list[Earlier]]
    emails: NotRequired[list[EmailState]]
    seen_at: NotRequired[datetime]


class Mail(TypedDict):
    """What became of one mail of a ticket."""

    mail_id: UUID | str
    event_id: UUID | str
    event_version: int
    subject_id: UUID | str
    recipient: str
    recipient_role: str
    template_id: str
    state: MailState
    at: datetime | str
    reason: NotRequired[str]
    decision: NotRequired[MailDecision]
    """The last one about it."""
    awaits_decision: NotRequired[bool]
    """Somebody has to say whether it goes out once more (``POST /api/notifier/mails/{mail_id}/decision``)."""


class Request(TypedDict):
    """A ticket as its requester sees it."""

    ticket_id: str
    title: str
    status: str
    requester: Person
    opened_at: datetime
    last_activity_at: datetime
    last_version: int
    """Of the last that they may see."""
    unread: int
    description: NotRequired[str]
    """What they asked for; absent in lists, and where the ITSM does not say."""


class RequestEntry(TypedDict):
    """One line of a ticket's history as its requester sees it."""

    version: int
    kind: Literal["occurrence", "message", "chat"]
    recorded_at: datetime
    happened_at: datetime
    author: Person
    occurrence_id: NotRequired[UUID]
    message_id: NotRequired[UUID]
    description_html: str
    text: NotRequired[str]
    sender: NotRequired[Literal["requester", "executor"]]
    solution_html: NotRequired[str]
    corrected: NotRequired[bool]


class Gone(TypedDict):
    """The requester can no longer see an occurrence, nor is told why."""

    occurrence_id: UUID


class Seen(TypedDict):
    """The requester has read up to a version."""

    up_to_version: int
    seen_at: datetime


class Present(TypedDict):
    """Somebody who has the ticket open."""

    id: str
    name: str
    state: Literal["viewing", "writing"]


class DeskPresence(TypedDict):
    """Who has the ticket open, for executors."""

    people: list[Present]


class RequestPresence(TypedDict):
    """Whether an attendant has the ticket open, for its requester."""

    attendant: Literal["viewing", "writing", "gone"]


Item = TypeVar("Item")


class Page(TypedDict, Generic[Item]):
    """Part of a list, and where the next part begins; no cursor at its end."""

    items: list[Item]
    next_cursor: str | None
