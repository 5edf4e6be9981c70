"""Load, decide, append: what a transaction does with the commands that share it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from uuid import UUID

from relato_contracts.envelope import serialise, type_name
from relato_contracts.notes import NoteEvent
from relato_runtime.database import Connection
from uuid6 import uuid7

from notes import errors, requested, situations, store
from notes.commands import AnyCommand, OccurrenceCommand
from notes.note import decide, evolve, notification
from notes.requested import Response
from notes.situation import Situation
from notes.state import State
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
    streams = await store.lock_streams(connection, [command.ticket_id for command in commands])
    keys = [(request.command.author_id, request.key) for request in requests if request.key is not None]
    answers = await store.answers(connection, keys) if keys else {}
    decided_in = await situations.read(connection, commands)
    about = [command.occurrence_id for command in commands if isinstance(command, OccurrenceCommand)]
    streams = await with_occurrences(connection, streams, about)
    events: list[NewEvent] = []
    new_answers: list[Answer] = []
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
        streams[request.command.ticket_id] = stream
        events += new
        outcomes.append(response)
        if request.key is not None:
            answer = Answer(request.command.author_id, request.key, request.request_hash, response)
            answers[answer.person_id, answer.key] = answer
            new_answers.append(answer)
    if events or new_answers:
        await store.append(connection, events, streams, new_answers)
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
                request=kept,
            )
        )
    response = requested.response(command.ticket_id, state.version, facts[0] if facts else None, what_mail)
    return Stream(state, recorded_at if new else stream.recorded_at), new, response


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
