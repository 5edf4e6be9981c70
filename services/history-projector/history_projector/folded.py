"""Pure: tickets' streams and states folded afresh, and what is not so in the rows of the live generation."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast
from uuid import UUID

from relato_contracts.envelope import Undecodable, event_uuid
from relato_contracts.erasure import ERASED
from relato_contracts.itsm import TicketSaved
from relato_contracts.notes import NoteFact, TextErased
from relato_contracts.notifications import EmailFact, EmailOutcome
from relato_runtime.decoded import read
from relato_runtime.jobs import Finding
from relato_runtime.positions import Record
from relato_runtime.walking import place_of

from history_projector.consume import TOPICS, arrival, saved
from history_projector.facts import Mailed, Saved
from history_projector.fold import Batch, fold, forget
from history_projector.occurrences import shown
from history_projector.rows import ChatEntry, Entry, Occurrence, Outcome, RequesterEntry, Ticket, View


class Total(NamedTuple):
    """``time_totals``: the minutes of an author on a ticket."""

    ticket_id: str
    author_id: str
    minutes: int


class Known(NamedTuple):
    """``tickets``: when something last happened there tells what a compacted topic cannot tell again."""

    ticket_id: str
    title: str | None
    status: str | None
    requester_id: str | None
    group_id: str | None
    responsible_id: str | None
    opened_at: datetime | None
    last_version: int
    unread: int


class Shown(NamedTuple):
    """``requester_tickets``, likewise."""

    ticket_id: str
    requester_id: str | None
    title: str | None
    status: str | None
    opened_at: datetime | None
    applied_version: int
    seen_up_to: int


class Part(NamedTuple):
    """A table, the rows that it has, and which columns tell them apart."""

    table: str
    row: type[Any]
    key: tuple[str, ...]
    only: str = "true"


PARTS = (
    # A ticket that is gone, or of which there are mails alone, has a row that says nothing.
    Part(
        "tickets",
        Known,
        ("ticket_id",),
        "(last_version > 0"
        " OR num_nonnulls(title, status, requester_id, group_id, responsible_id, opened_at) > 0)",
    ),
    Part(
        "requester_tickets",
        Shown,
        ("ticket_id",),
        "(applied_version > 0 OR num_nonnulls(requester_id, title, status, opened_at) > 0)",
    ),
    Part("ticket_entries", Entry, ("version", "event_id"), "(version > 0 OR kind = 'mail')"),
    Part("occurrences", Occurrence, ("occurrence_id",)),
    Part("chat_entries", ChatEntry, ("version",)),
    Part("views", View, ("up_to_version",)),
    Part("requester_entries", RequesterEntry, ("version",)),
    Part("time_totals", Total, ("author_id",)),
    Part("email_outcomes", Outcome, ("mail_id",)),
)
_JSON = {"data", "earlier"}
Rows = Mapping[str, Sequence[Any]]
"""Of each table, in no order."""


def afresh(records: Iterable[Record], taken_in: Mapping[str, int]) -> dict[str, Rows]:
    """By ticket the rows of each table that these records lead to; of what came twice the first counts.

    Of what the ITSM says of a ticket the last counts that lies before the offsets in ``taken_in``, by place.
    """
    states: dict[str, Saved] = {}
    streams: dict[str, dict[int, Any]] = {}
    mailed: dict[str, dict[UUID, Mailed]] = {}
    for record in records:
        topic = next(each for each in TOPICS if record.topic.endswith(each.name))
        try:
            _, envelope, fact = read(topic, record)
            if fact is None or isinstance(fact, TicketSaved):
                if record.offset < taken_in.get(place_of(record.topic, record.partition), 0):
                    # What changed from one to the next is not told again, see ``making.take_over``.
                    state = saved(record, envelope, fact, taken_over=True)
                    states[state.ticket_id] = state
            elif isinstance(fact, NoteFact | TextErased):
                came = arrival(record, envelope, fact)
                streams.setdefault(fact.ticket_id, {}).setdefault(came.noted.version, came)
            elif isinstance(fact, EmailFact):
                event_id = event_uuid(envelope)
                outcome = Mailed(event_id, envelope.time, cast(EmailOutcome, fact))  # its only subclasses
                told = mailed.setdefault(fact.ticket_id, {})
                if event_id not in told or outcome.fact.recipient == ERASED:
                    told[event_id] = outcome
        except Undecodable:
            continue  # consumers have put it down as a dead letter; their ticket waits there
    return {
        ticket_id: _rows(
            ticket_id,
            states.get(ticket_id),
            streams.get(ticket_id, {}),
            [*mailed.get(ticket_id, {}).values()],
        )
        for ticket_id in states.keys() | streams.keys() | mailed.keys()
    }


def version(rows: Rows) -> int:
    """How far a ticket's stream has come in these rows."""
    return max((each.last_version for each in rows.get("tickets", ())), default=0)


def differences(ticket_id: str, wanted: Rows, found: Rows) -> list[Finding]:
    """What is not as it should be, row by row; names of columns, never what they hold."""
    findings = []
    for part in PARTS:
        mine, theirs = (_keyed(part, side.get(part.table, ())) for side in (wanted, found))
        for key in sorted(mine.keys() | theirs.keys(), key=repr):
            detail: dict[str, Any] = {
                "part": part.table, "key": dict(zip(part.key, map(str, key), strict=True))
            }  # fmt: skip
            if key not in theirs:
                kind = "row-missing"
            elif key not in mine:
                kind = "row-unexpected"
            elif columns := [name for name in part.row._fields if not _same(name, mine[key], theirs[key])]:
                kind, detail = "row-different", detail | {"columns": columns}
            else:
                continue
            row = mine.get(key) or theirs[key]
            findings.append(Finding(kind, ticket_id, getattr(row, "version", None), detail=detail))
    return findings


def _rows(ticket_id: str, state: Saved | None, stream: dict[int, Any], mailed: list[Mailed]) -> Rows:
    batch = Batch(
        saved=[] if state is None else [state],
        streams={ticket_id: forget(stream)} if stream else {},
        mailed=mailed,
    )
    folded = fold({ticket_id: Ticket(ticket_id)}, {}, batch)
    ticket, now = folded.tickets[ticket_id], folded.occurrences.values()
    totals = [Total(*whose, number) for whose, number in folded.minutes.items()]
    said = bool(ticket.last_version) or ticket.title is not None
    return {
        "tickets": [_known(ticket)] if said else [],
        "requester_tickets": [_of_requester(ticket)] if said else [],
        "ticket_entries": folded.entries,
        "occurrences": list(now),
        "chat_entries": folded.chat,
        "views": list(folded.views.values()),
        "requester_entries": [*filter(None, map(shown, now)), *folded.messages],
        "time_totals": totals,
        "email_outcomes": list(folded.outcomes.values()),
    }


def _known(ticket: Ticket) -> Known:
    return Known(
        ticket.ticket_id, ticket.title, ticket.status, ticket.requester_id, ticket.group_id,
        ticket.responsible_id, ticket.opened_at, ticket.last_version, ticket.unread,
    )  # fmt: skip


def _of_requester(ticket: Ticket) -> Shown:
    return Shown(
        ticket.ticket_id, ticket.requester_id, ticket.title, ticket.status, ticket.opened_at,
        ticket.last_version, ticket.seen_up_to,
    )  # fmt: skip


def _keyed(part: Part, rows: Iterable[Any]) -> dict[tuple[Any, ...], Any]:
    return {tuple(getattr(row, name) for name in part.key): row for row in rows}


def _same(name: str, wanted: Any, found: Any) -> bool:
    """A title that is erased may be gone from the topic and not yet from here, or the other way round."""
    mine, theirs = _value(wanted, name), _value(found, name)
    return mine == theirs or (name == "title" and ERASED in (mine, theirs))


def _value(row: Any, name: str) -> Any:
    value = getattr(row, name)
    return json.loads(value) if name in _JSON else value
