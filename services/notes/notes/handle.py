"""Load, decide, append: what a transaction does with the commands that share it."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from uuid import UUID

from relato_contracts.commitments import SALT_BYTES
from relato_contracts.envelope import serialise, type_name
from relato_contracts.notes import NoteEvent
from relato_runtime.database import Connection
from uuid6 import uuid7

from notes import errors, releases, requested, situations, store
from notes.commands import AnyCommand, OccurrenceCommand, RecordOccurrence, ReleaseOccurrence
from notes.note import decide, evolve, notification
from notes.proof import chain, chaining
from notes.releases import Due
from notes.requested import Response
from notes.situation import Situation
from notes.state import Held, State
from notes.store import Answer, NewEvent, Stream


@dataclass(frozen=True, slots=True)
class Request:
    """A command with what identifies the request that brought it."""

    command: AnyCommand
    correlation_id: str
    traceparent: str | None
    key: str | None
    """Its idempotency key, if it has one."""
    request_hash: bytes = b""


class KeyReused(errors.Refused):
    """The idempotency key was used before, with another request."""

    status, code = 422, "idempotency-key-reused"


Outcome = Response | errors.Refused


async def handle(connection: Connection, requests: Sequence[Request]) -> list[Outcome]:
    """The outcome of each, inside one transaction; a refused command leaves its neighbours alone."""
    commands = [request.command for request in requests]
    # First the locks: what is read after them is what the decisions stand on.
    streams = await chaining.locked(connection, [command.ticket_id for command in commands])
    heads = chaining.heads(streams)
    keys = [(request.command.author_id, request.key) for request in requests if request.key is not None]
    answers = await store.answers(connection, keys) if keys else {}
    decided_in = await situations.read(connection, commands)
    about = [command.occurrence_id for command in commands if isinstance(command, OccurrenceCommand)]
    streams = await with_occurrences(connection, streams, about)
    events: list[NewEvent] = []
    new_answers: list[Answer] = []
    held: dict[UUID, Due | None] = {}
    outcomes: list[Outcome] = []
    for request, situation in zip(requests, decided_in, strict=True):
        known = answers.get((request.command.author_id, request.key)) if request.key else None
        if known is not None:
            same = known.request_hash == request.request_hash
            outcomes.append(known.response if same else KeyReused())
            continue
        try:
            stream, new, response = _decide_one(request, streams, situation)
        except errors.Refused as refusal:
            outcomes.append(refusal)
            continue
        held |= _held(request, before=streams[request.command.ticket_id].state, now=stream.state)
        streams[request.command.ticket_id] = stream
        events += new
        outcomes.append(response)
        if request.key is not None:
            answer = Answer(request.command.author_id, request.key, request.request_hash, response)
            answers[answer.person_id, answer.key] = answer
            new_answers.append(answer)
    if events or new_answers:
        hashes = chain.follow(heads, events)
        await store.append(connection, events, hashes, streams, new_answers)
    if held:
        await keep(connection, held)
    return outcomes


def _decide_one(
    request: Request, streams: Mapping[str, Stream], situation: Situation
) -> tuple[Stream, list[NewEvent], Response]:
    command = request.command
    stream = streams.get(command.ticket_id)
    if stream is None:
        raise errors.TicketNotFound
    state = stream.state
    recorded_at = max(command.now, stream.recorded_at)  # clocks may step back, histories may not
    new = []
    facts = decide(state, command, situation)
    what_mail = notification(facts[0], situation) if facts else "none"
    kept = None if request.key is None else requested.written(request.request_hash, what_mail, request.key)
    for event in facts:
        state = evolve(state, state.version + 1, event)
        new.append(
            NewEvent(
                event_id=UUID(str(uuid7())),
                ticket_id=command.ticket_id,
                version=state.version,
                type=type_name(type(event)),
                subject_id=subject(event),
                actor=command.author_id,
                correlation_id=request.correlation_id,
                traceparent=request.traceparent,
                recorded_at=recorded_at,
                data=serialise(event).decode(),
                salt=secrets.token_bytes(SALT_BYTES),
                request=kept,
            )
        )
    occurrence_id = _occurrence_of(command)
    held = None if occurrence_id is None else held_in(state, occurrence_id)
    response = requested.response(
        *(command.ticket_id, state.version, facts[0] if facts else None, what_mail, held.at if held else None)
    )
    recorded_at = recorded_at if new else stream.recorded_at
    return replace(stream, state=state, recorded_at=recorded_at), new, response


def _held(request: Request, before: State, now: State) -> dict[UUID, Due | None]:
    """When the command's occurrence is to be looked at again, where that has changed."""
    command = request.command
    occurrence_id = _occurrence_of(command)
    if occurrence_id is None:
        return {}
    was, held = held_in(before, occurrence_id), held_in(now, occurrence_id)
    # Whoever came to release it and found nothing held back must not come again.
    if was == held and not (held is None and isinstance(command, ReleaseOccurrence)):
        return {}
    cause = (request.correlation_id, request.traceparent)
    return {occurrence_id: None if held is None else due(command.ticket_id, occurrence_id, held, *cause)}


def _occurrence_of(command: AnyCommand) -> UUID | None:
    return command.occurrence_id if isinstance(command, RecordOccurrence | OccurrenceCommand) else None


def due(ticket_id: str, occurrence_id: UUID, held: Held, correlation_id: str, traceparent: str | None) -> Due:
    """When to look again at what is held back, and what caused it to be."""
    return Due(occurrence_id, ticket_id, held.author_id, held.at, correlation_id, traceparent)


def held_in(state: State, occurrence_id: UUID) -> Held | None:
    """Until when an occurrence is held back, if it is."""
    occurrence = state.occurrences.get(occurrence_id)
    return None if occurrence is None else occurrence.held


async def keep(connection: Connection, held: Mapping[UUID, Due | None]) -> None:
    """Remember when to look again at occurrences, or that there is no need to any more."""
    waiting = [each for each in held.values() if each is not None]
    gone = [occurrence_id for occurrence_id, each in held.items() if each is None]
    if waiting:
        await releases.put(connection, waiting)
    if gone:
        await releases.remove(connection, gone)


async def with_occurrences(
    connection: Connection, streams: Mapping[str, Stream], wanted: Sequence[UUID]
) -> dict[str, Stream]:
    """The streams with these occurrences folded in, which commands or facts are about."""
    folded = dict(streams)
    if not wanted:
        return folded
    partial = {ticket_id: State() for ticket_id in streams}
    for ticket_id, version, fact in await store.facts_about(connection, wanted):
        if ticket_id in partial:
            partial[ticket_id] = evolve(partial[ticket_id], version, fact)
    for ticket_id, state in partial.items():
        stream = streams[ticket_id]
        folded[ticket_id] = replace(stream, state=replace(stream.state, occurrences=state.occurrences))
    return folded


def subject(event: NoteEvent) -> UUID | None:
    """The occurrence or message that a fact is about."""
    return getattr(event, "occurrence_id", None) or getattr(event, "message_id", None)


def request_hash(method_and_path: str, canonical_body: str) -> bytes:
    """What tells one request from another under the same idempotency key."""
    return sha256(f"{method_and_path}\n{canonical_body}".encode()).digest()
