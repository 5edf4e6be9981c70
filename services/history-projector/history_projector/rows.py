"""Rows of the read models: the fields of each class are the columns of its table, in their order.

Tuples, because a rebuild makes millions: they are made and replaced several times faster than frozen
dataclasses, and are sent as they are.
"""

from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

EntryKind = Literal["occurrence", "message", "chat", "mail", "action", "view"]


class Ticket(NamedTuple):
    """What is known about a ticket: the columns of ``tickets`` and, below, those for its requester.

    Without ``title`` there is no ``TicketSaved``: facts about the ticket came first, or it was removed.
    """

    ticket_id: str
    title: str | None = None
    status: str | None = None
    requester_id: str | None = None
    group_id: str | None = None
    responsible_id: str | None = None
    opened_at: datetime | None = None
    last_version: int = 0
    last_activity_at: datetime | None = None
    unread: int = 0
    shown_activity_at: datetime | None = None
    """When the requester could last see something happen: their ``last_activity_at``."""
    seen_up_to: int = 0


class Entry(NamedTuple):
    """``ticket_entries``: one fact, as the audit history keeps it."""

    ticket_id: str
    recorded_at: datetime
    version: int
    event_id: UUID
    kind: EntryKind
    action: str | None
    subject_id: UUID | None
    author_id: str | None
    author_name: str | None
    happened_at: datetime
    data: str
    """JSON."""


class Occurrence(NamedTuple):
    """``occurrences``: an occurrence as it now stands."""

    occurrence_id: UUID
    ticket_id: str
    version: int
    author_id: str
    author_name: str
    recorded_at: datetime
    occurred_at: datetime
    description_html: str
    description_text: str
    time_spent_minutes: int
    solution_html: str | None
    category_id: str | None
    origin_id: str | None
    channel: str
    visible_to_requester: bool
    notify_by_email: bool
    corrected: bool
    retracted: bool
    earlier: str
    """JSON: the texts that were replaced, oldest first."""
    recorded_version: int
    described_version: int
    described_by_id: str
    described_by_name: str
    described_at: datetime
    shown_version: int
    shown_by_id: str
    shown_corrected: bool


class ChatEntry(NamedTuple):
    """``chat_entries``: one line of chat."""

    ticket_id: str
    version: int
    message_id: UUID
    recorded_at: datetime
    sender: str
    author_id: str
    author_name: str
    text: str
    recipient_online: bool


class View(NamedTuple):
    """``views``: the requester saw their ticket's history up to a version."""

    ticket_id: str
    up_to_version: int
    seen_at: datetime
    viewer_id: str


class Outcome(NamedTuple):
    """``email_outcomes``: what became of a mail, as far as is known."""

    mail_id: UUID
    ticket_id: str
    event_id: UUID
    event_version: int
    subject_id: UUID
    recipient: str
    recipient_role: str
    template_id: str
    state: str
    reason: str | None
    at: datetime
    outcome_id: UUID


class RequesterEntry(NamedTuple):
    """``requester_entries``: an occurrence or message as its requester may see it, and nothing else."""

    ticket_id: str
    version: int
    recorded_at: datetime
    subject_id: UUID
    kind: Literal["occurrence", "message"]
    author_id: str
    author_name: str
    happened_at: datetime
    description_html: str
    solution_html: str | None
    corrected: bool
    current_version: int
    current_by_id: str
