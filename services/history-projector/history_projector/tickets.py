"""How a ticket's row changes: with each fact of its stream, and with each state that the ITSM sends."""

import json
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from relato_contracts import notes
from relato_contracts.envelope import serialise
from relato_contracts.erasure import ERASED
from relato_contracts.itsm import TicketSaved

from history_projector.facts import Noted, Saved
from history_projector.rows import Entry, Ticket


def advance(ticket: Ticket, noted: Noted, *, shown: bool) -> Ticket:
    """The ticket after the next fact of its stream; ``shown`` if its requester can see what happened.

    Unread is what the requester has written since somebody else did anything.
    """
    fact = noted.fact
    if isinstance(fact, notes.TextErased):
        return ticket._replace(last_version=noted.version)
    if isinstance(fact, notes.HistoryViewed):
        seen_up_to = max(ticket.seen_up_to, fact.up_to_version)
        return ticket._replace(last_version=noted.version, seen_up_to=seen_up_to)
    written = isinstance(fact, notes.OccurrenceRecorded | notes.AttendantMessaged | notes.ChatMessagePosted)
    return ticket._replace(
        last_version=noted.version,
        unread=ticket.unread + written if fact.author_id == fact.requester_id else 0,
        last_activity_at=_later(ticket.last_activity_at, noted.at),
        shown_activity_at=_later(ticket.shown_activity_at, noted.at) if shown else ticket.shown_activity_at,
    )


def save(ticket: Ticket, saved: Saved) -> tuple[Ticket, list[Entry]]:
    """The ticket as it now is, and an entry for each difference from what it was."""
    if saved.taken_over:
        return _state(ticket, saved.fact), []
    known = ticket.title is not None
    if saved.fact is None:
        return _state(ticket, None), [_action(saved, "ticket-removed", saved.at, "{}")] if known else []
    fact = saved.fact
    now = _state(ticket, fact)
    if not known:
        active = min(fact.opened_at, saved.at)
        opened = _action(saved, "ticket-opened", fact.opened_at, serialise(fact).decode())
        return _active(now, active, shown=True), [opened]
    changed = {
        action: (getattr(ticket, name), getattr(now, name))
        for name, action in _DIFFERENCES.items()
        if getattr(ticket, name) != getattr(now, name) and getattr(now, name) != ERASED
    }
    if changed:
        now = _active(now, saved.at, shown=not changed.keys().isdisjoint(_SHOWN_DIFFERENCES))
    return now, [
        _action(saved, action, saved.at, json.dumps({"from": before, "to": after}))
        for action, (before, after) in changed.items()
    ]


_DIFFERENCES = {
    "title": "title-changed",
    "status": "status-changed",
    "requester_id": "requester-changed",
    "group_id": "group-changed",
    "responsible_id": "responsible-changed",
}
_SHOWN_DIFFERENCES = {"title-changed", "status-changed", "requester-changed"}


def _state(ticket: Ticket, fact: TicketSaved | None) -> Ticket:
    """The ticket as the ITSM says it is; where it says that there is none, without a state."""
    now: dict[str, Any] = {
        name: None if fact is None else getattr(fact, name) for name in (*_DIFFERENCES, "opened_at")
    }
    return ticket._replace(**now)


def _active(ticket: Ticket, at: datetime, *, shown: bool) -> Ticket:
    return ticket._replace(
        last_activity_at=_later(ticket.last_activity_at, at),
        shown_activity_at=_later(ticket.shown_activity_at, at) if shown else ticket.shown_activity_at,
    )


def _later(known: datetime | None, at: datetime) -> datetime:
    return at if known is None else max(known, at)


def _action(saved: Saved, action: str, happened_at: datetime, data: str) -> Entry:
    event_id = uuid5(NAMESPACE_URL, f"{saved.key} {action}")
    return Entry(
        saved.ticket_id, saved.at, 0, event_id, "action", action, None, saved.actor, None, happened_at, data
    )
