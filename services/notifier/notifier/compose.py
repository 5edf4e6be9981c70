"""Pure: from an event and reference data to mails, or the reasons why there are none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, assert_never

from relato_contracts.itsm import EmailVariant
from relato_contracts.notes import (
    AttendantMessaged,
    Authored,
    ChatMessagePosted,
    HistoryViewed,
    NoteEvent,
    OccurrenceCorrected,
    OccurrenceRecorded,
    OccurrenceRetracted,
    OccurrenceSolved,
    OccurrenceVisibilityChanged,
    RequesterMessaged,
    TextErased,
)
from relato_contracts.notifications import RecipientRole

from notifier.event import Event
from notifier.known import MAILS_OFF, SOLUTION_SHOWN, House, Known, Ticket, Unknown
from notifier.letter import Letter, known_as, marked_up, moment, plain, variant_for
from notifier.occurrence import Occurrence

Parameter = Literal[251, 253, 447]
Audience = Literal["requester", "attendant"]


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody a mail is for; no address means that there is none."""

    role: RecipientRole
    address: str
    name: str
    language: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A mail that is to be rendered."""

    parameter: Parameter
    reader: Reader
    template_id: str
    variant: EmailVariant
    letter: Letter


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A mail that is not sent, and why."""

    parameter: Parameter
    role: RecipientRole
    address: str
    template_id: str
    reason: str


def audience(fact: NoteEvent) -> tuple[Parameter, Audience] | None:
    """By which template whom a fact is told to; None for most."""
    match fact:
        case OccurrenceRecorded() if fact.by_requester:
            return 253, "attendant"
        case OccurrenceRecorded() | OccurrenceVisibilityChanged():
            return (251, "requester") if fact.visible_to_requester and fact.notify_by_email else None
        case RequesterMessaged(notify_by_email=True):
            return 251, "requester"
        case AttendantMessaged():
            return 253, "attendant"
        case ChatMessagePosted(recipient_online=False):
            return 447, "requester" if fact.sender == "executor" else "attendant"
        case (
            RequesterMessaged()
            | ChatMessagePosted()
            | OccurrenceCorrected()
            | OccurrenceSolved()
            | OccurrenceRetracted()
            | HistoryViewed()
            | TextErased()
        ):
            return None
        case _:
            assert_never(fact)


def compose(
    event: Event,
    occurrence: Occurrence | None,
    known: Known,
    house: House,
    now: datetime,
    *,
    give_up: bool = False,
) -> Sequence[Draft | Suppressed]:
    """The mails of an event, one a reader; ``Unknown`` for what they lack, unless it is to ``give_up``.

    ``occurrence`` is the one that the event is about, as it is now.
    """
    told, fact = audience(event.fact), event.fact
    if told is None or isinstance(fact, TextErased):
        return ()
    parameter, who = told
    template_id = known.parameters.get(parameter, "").strip()
    try:
        ticket = _ticket(event.fact, known)
        readers = _readers(fact, who, ticket, known, house)
        wrong = _switched_off(known) or _unconfigured(parameter, template_id, known, give_up)
        written = _written(event, occurrence, known)
    except Unknown as unknown:
        if not give_up:
            raise
        role: RecipientRole = "requester" if who == "requester" else "group"
        return (Suppressed(parameter, role, "", template_id, unknown.reason),)
    too_old = "too-old" if now - event.at > house.age_limit else None
    mails: list[Draft | Suppressed] = []
    for reader in readers:
        variant = variant_for(reader.language, known.templates.get(template_id, ()))
        address = None if reader.address else "no-address"
        reason = wrong or address or _withdrawn(who, occurrence) or too_old
        if variant is None or reason is not None:
            reason = reason or "not-configured"
            mails.append(Suppressed(parameter, reader.role, reader.address, template_id, reason))
        else:
            letter = letter_of(event.fact.ticket_id, written, ticket, reader, house)
            mails.append(Draft(parameter, reader, template_id, variant, letter))
    return mails


def _ticket(fact: NoteEvent, known: Known) -> Ticket:
    ticket = known.tickets.get(fact.ticket_id)
    if ticket is None:
        raise Unknown(f"ticket:{fact.ticket_id}", "unknown-ticket")
    return ticket


def _readers(fact: Authored, who: Audience, ticket: Ticket, known: Known, house: House) -> Sequence[Reader]:
    """The requester; or the responsible; or, when nobody is, the addresses of the group."""
    if who == "requester":
        return (_person("requester", fact.requester_id, known),)
    if ticket.responsible_id is not None:
        return (_person("responsible", ticket.responsible_id, known),)
    group = known.groups.get(ticket.group_id)
    if group is None:
        raise Unknown(f"group:{ticket.group_id}", "unknown-group")
    addresses = {address.casefold(): address for address in group.emails} or {"": ""}
    return tuple(
        Reader("group", address, group.name, house.language, house.time_zone)
        for address in addresses.values()
    )


def _person(role: RecipientRole, person_id: str, known: Known) -> Reader:
    person = known.people.get(person_id)
    if person is None:
        raise Unknown(f"person:{person_id}", "unknown-person")
    address = person.email if person.active and person.email else ""
    return Reader(role, address, person.name, person.language, person.time_zone)


def _switched_off(known: Known) -> str | None:
    return "disabled" if known.parameters.get(MAILS_OFF) == "S" else None


def _unconfigured(parameter: Parameter, template_id: str, known: Known, give_up: bool) -> str | None:
    if template_id in known.templates:
        return None
    if not give_up:
        raise Unknown(
            f"template:{template_id}" if template_id else f"parameter:{parameter}", "not-configured"
        )
    return "not-configured"


def _withdrawn(who: Audience, occurrence: Occurrence | None) -> str | None:
    """What was taken back before its mail went out is not mailed."""
    if occurrence is None:
        return None
    if occurrence.retracted:
        return "retracted"
    return "hidden" if who == "requester" and not occurrence.visible else None


@dataclass(frozen=True, slots=True)
class Written:
    """What a mail tells of."""

    kind: Literal["occurrence", "message", "chat"]
    author_name: str
    happened_at: datetime
    text: str
    html: str
    solution_html: str = ""


def _written(event: Event, occurrence: Occurrence | None, known: Known) -> Written:
    match event.fact:
        case RequesterMessaged() | AttendantMessaged() as message:
            return Written("message", message.author_name, event.at, message.text, message.text_html)
        case ChatMessagePosted() as line:
            return Written("chat", line.author_name, event.at, line.text, marked_up(line.text))
        case OccurrenceRecorded() | OccurrenceVisibilityChanged() as fact:
            if occurrence is None:
                raise Unknown(f"occurrence:{fact.occurrence_id}", "unknown-occurrence")
            return told_of(occurrence, known)
        case _:
            raise TypeError(f"{type(event.fact).__name__} is told to nobody")


def told_of(occurrence: Occurrence, known: Known) -> Written:
    """What mails tell of an occurrence."""
    return Written(
        "occurrence",
        occurrence.author_name,
        occurrence.occurred_at,
        occurrence.text,
        occurrence.html,
        occurrence.solution_html if known.parameters.get(SOLUTION_SHOWN) == "S" else "",
    )


def letter_of(ticket_id: str, written: Written, ticket: Ticket, reader: Reader, house: House) -> Letter:
    """What a template can say to a reader."""
    page = "portal/requests" if reader.role == "requester" else "desk/tickets"
    return Letter(
        kind=written.kind,
        ticket_id=ticket_id,
        ticket_title=ticket.title,
        author_name=known_as(written.author_name, reader.language),
        recipient_name=reader.name,
        text=written.text,
        text_html=written.html,
        solution=plain(written.solution_html),
        solution_html=written.solution_html,
        happened_at=moment(written.happened_at, reader.language, reader.time_zone),
        link=f"{house.public_url}/{page}/{ticket_id}",
        language=reader.language,
    )
