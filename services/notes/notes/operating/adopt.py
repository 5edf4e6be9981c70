"""Facts that Kafka has and the log has not, since the log was put back from a backup: into the log again."""

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from relato_contracts.commitments import SALT_BYTES
from relato_contracts.envelope import Envelope, Undecodable, decode, event_uuid, type_name
from relato_contracts.notes import NoteEvent, NoteFact, OccurrenceFact, TextErased
from relato_runtime.database import Connection
from relato_runtime.positions import Record

from notes import requested, store
from notes.handle import due, held_in, keep, subject, with_occurrences
from notes.operating import restored
from notes.privacy import silencing
from notes.proof import chain, chained, chaining
from notes.releases import Due
from notes.state import State, evolve
from notes.store import Answer, NewEvent, Stream

SOURCE = "/relato/notes"


class Diverged(Exception):
    """Log and topic tell a ticket's history differently from there on, which only people can decide."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One of our own facts with the record that it was found in."""

    record: Record
    event_id: UUID
    version: int
    envelope: Envelope
    fact: NoteEvent
    salt: bytes | None = None
    openings: str | None = None


@dataclass(slots=True)
class Adopted:
    """What follows for the log from facts that it lacks."""

    streams: dict[str, Stream]
    events: list[NewEvent] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    held: dict[UUID, Due | None] = field(default_factory=dict)
    """Occurrences that are held back, and until when, or not any more."""
    diverged: list[Arrival] = field(default_factory=list)


def ours(records: Iterable[Record]) -> list[Arrival]:
    """What this service has published; everything else on its topic has no place in the log."""
    found = []
    for record in records:
        try:
            envelope, fact = decode(record.key, record.value, record.headers, record.timestamp)
            if envelope.source != SOURCE or envelope.stream_version is None:
                continue
            if isinstance(fact, NoteEvent):
                carried = chain.carried(dict(record.headers))
                found.append(
                    Arrival(
                        *(record, event_uuid(envelope), envelope.stream_version, envelope, fact, *carried)
                    )
                )
        except Undecodable:
            continue  # consumers put it down as a dead letter
    return found


async def adopt(connection: Connection, arrivals: Sequence[Arrival]) -> tuple[int, list[Arrival]]:
    """Log what the log lacks, inside the caller's transaction: returns how many, and what contradicts it."""
    known = await restored.known(connection, [each.event_id for each in arrivals])
    lacking = {each.event_id: each for each in reversed(arrivals) if each.event_id not in known}
    new = list(reversed(lacking.values()))  # each once, where it came first
    adopted = await log(connection, new) if new else Adopted({})
    await restored.forget(connection, [each.event_id for each in arrivals])
    return len(adopted.events), adopted.diverged


async def log(connection: Connection, new: Sequence[Arrival]) -> Adopted:
    """Log facts that the log lacks, inside the caller's transaction; they wait in the outbox then."""
    tickets = [each.fact.ticket_id for each in new]
    await store.open_streams(connection, tickets)
    streams = await chaining.locked(connection, tickets)
    about = [each.fact.occurrence_id for each in new if isinstance(each.fact, OccurrenceFact)]
    taken = await restored.taken(connection, [(each.fact.ticket_id, each.version) for each in new])
    adopted = follow(await with_occurrences(connection, streams, about), new, taken)
    events = [_salted(each) for each in adopted.events]
    before_holes = [(each.ticket_id, each.version - 1) for each in events]
    known = {**chaining.heads(streams), **await chained.hashes(connection, before_holes)}
    hashes = chain.follow(known, events)
    await store.append(connection, events, hashes, adopted.streams, await _new_answers(connection, adopted))
    logged = {each.event_id for each in events}
    facts = (each.fact for each in new if each.event_id in logged)
    await silencing.repeat(connection, (fact for fact in facts if isinstance(fact, TextErased)))
    await keep(connection, adopted.held)
    return adopted


def follow(
    streams: Mapping[str, Stream], new: Sequence[Arrival], taken: Collection[tuple[str, int]]
) -> Adopted:
    """Pure: each fact whose version is its stream's next, or a hole below it; any other contradicts the log.

    ``taken`` are tickets' versions that the log has. What fills a hole changes no state: its stream went on
    when it was recorded, and has been answered for. It has to have its salt: what follows it is chained.
    """
    adopted = Adopted(dict(streams))
    filled = set(taken)
    for each in new:
        ticket_id = each.fact.ticket_id
        stream = adopted.streams[ticket_id]
        in_hole = each.version <= stream.state.version and (ticket_id, each.version) not in filled
        if in_hole and (each.salt or each.openings):
            filled.add((ticket_id, each.version))
            adopted.events.append(_event(each, each.envelope.time))
            continue
        if each.version != stream.state.version + 1:
            adopted.diverged.append(each)
            continue
        state = evolve(stream.state, each.version, each.fact)
        recorded_at = max(each.envelope.time, stream.recorded_at)
        adopted.streams[ticket_id] = replace(stream, state=state, recorded_at=recorded_at)
        filled.add((ticket_id, each.version))
        adopted.events.append(_event(each, each.envelope.time))
        adopted.held |= _held(each, state)
        if (answer := _answer(each, state)) is not None:
            adopted.answers.append(answer)
    return adopted


def _held(arrival: Arrival, state: State) -> dict[UUID, Due | None]:
    """What is held back is held back after a restore, too, and still to be shown when it is due."""
    envelope, fact = arrival.envelope, arrival.fact
    if not isinstance(fact, OccurrenceFact):
        return {}
    held = held_in(state, fact.occurrence_id)
    cause = (envelope.correlation_id or "", envelope.traceparent)
    return {
        fact.occurrence_id: None if held is None else due(fact.ticket_id, fact.occurrence_id, held, *cause)
    }


def _event(arrival: Arrival, recorded_at: datetime) -> NewEvent:
    envelope, fact = arrival.envelope, arrival.fact
    return NewEvent(
        event_id=arrival.event_id,
        ticket_id=fact.ticket_id,
        version=arrival.version,
        type=type_name(type(fact)),
        subject_id=subject(fact),
        actor=_actor(arrival),
        correlation_id=envelope.correlation_id or "",
        traceparent=envelope.traceparent,
        recorded_at=recorded_at,
        data=(arrival.record.value or b"").decode(),
        salt=arrival.salt,
        openings=arrival.openings,
    )


def _salted(event: NewEvent) -> NewEvent:
    """Records that were published before there were chains have no salt."""
    given = event.salt is not None or event.openings is not None
    return event if given else replace(event, salt=secrets.token_bytes(SALT_BYTES))


def _answer(arrival: Arrival, state: State) -> Answer | None:
    """What was answered to the request, if it had a key."""
    raw = dict(arrival.record.headers).get(requested.HEADER)
    kept = requested.read(raw.decode(errors="replace")) if raw else None
    if kept is None:
        return None
    request_hash, notification, key = kept
    fact = arrival.fact
    held = held_in(state, fact.occurrence_id) if isinstance(fact, OccurrenceFact) else None
    response = requested.response(
        *(fact.ticket_id, arrival.version, fact, notification, held.at if held else None)
    )
    return Answer(_actor(arrival), key, request_hash, response)


def _actor(arrival: Arrival) -> str:
    fact = arrival.fact
    return arrival.envelope.actor or (fact.author_id if isinstance(fact, NoteFact) else SOURCE)


async def _new_answers(connection: Connection, adopted: Adopted) -> list[Answer]:
    """Those that are not there: a key may have been used again since it was forgotten."""
    by_key = {(each.person_id, each.key): each for each in adopted.answers}
    known = await store.answers(connection, list(by_key)) if by_key else {}
    return [answer for place, answer in by_key.items() if place not in known]
