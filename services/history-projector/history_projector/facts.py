"""What records of the three topics say, as far as a ticket's history needs it."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from relato_contracts.itsm import TicketSaved
from relato_contracts.notes import NoteEvent
from relato_contracts.notifications import EmailOutcome


class Saved(NamedTuple):
    """A record of ``itsm.tickets``; no fact is the ticket's removal. ``key`` identifies the record."""

    ticket_id: str
    key: str
    at: datetime
    actor: str | None
    fact: TicketSaved | None
    taken_over: bool = False
    """Its entries are there already, from the generation before."""


class Noted(NamedTuple):
    """A record of ``relato.notes``, at its place in the ticket's stream."""

    version: int
    event_id: UUID
    at: datetime
    fact: NoteEvent


class Mailed(NamedTuple):
    """A record of ``relato.notifications``."""

    event_id: UUID
    at: datetime
    fact: EmailOutcome
