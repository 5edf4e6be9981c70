"""Load, decide, append, by group commit: commands that wait for a transaction share the next one."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from uuid import UUID

import structlog
from prometheus_client import Histogram
from relato_contracts.envelope import serialise, type_name
from relato_contracts.notes import NoteEvent
from relato_runtime.database import UNAVAILABLE, Connection, Pool
from uuid6 import uuid7

from notes import errors, situations, store
from notes.commands import AnyCommand, OccurrenceCommand, PostChat, RecordOccurrence, SendMessage
from notes.note import decide, evolve, notification
from notes.situation import Situation
from notes.state import State
from notes.store import Answer, NewEvent, Stream

log = structlog.get_logger(__name__)

BATCH = Histogram(
    "relato_commit_commands", "Commands that shared a transaction", buckets=(1, 2, 4, 8, 16, 32, 64)
)
_LARGEST_BATCH = 64
_COMMITTERS = 2


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


Response = Mapping[str, object]
Outcome = Response | errors.Refused


@dataclass(frozen=True, slots=True)
class _Waiting:
    request: Request
    answered: asyncio.Future[Response]


class Handler:
    """Takes requests one by one and commits them together; what it answers has been committed."""

    def __init__(self, pool: Pool, on_commit: Callable[[], None]) -> None:
        self._pool = pool
        self._on_commit = on_commit
        self._waiting: asyncio.Queue[_Waiting] = asyncio.Queue()

    async def handle(self, request: Request) -> Response:
        """What to answer; raises ``Refused``, or a database error when nothing is known to have happened."""
        answered: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        await self._waiting.put(_Waiting(request, answered))
        return await answered

    async def run(self) -> None:
        """Commit until cancelled; what has been taken from the queue is still answered."""
        async with asyncio.TaskGroup() as committers:
            for _ in range(_COMMITTERS):
                committers.create_task(self._commit_forever())

    async def _commit_forever(self) -> None:
        while True:
            batch = [await self._waiting.get()]
            while len(batch) < _LARGEST_BATCH and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            await asyncio.shield(self._commit(batch))

    async def _commit(self, batch: Sequence[_Waiting]) -> None:
        BATCH.observe(len(batch))
        try:
            outcomes = await self._transact([waiting.request for waiting in batch])
        except UNAVAILABLE as error:
            # Perhaps it was committed. Whoever sends the same key again will learn.
            self._fail(batch, error)
        except Exception as error:
            # It was rolled back. One of them is to blame, and must not take the others down.
            if len(batch) == 1:
                self._fail(batch, error)
                return
            log.warning("batch rolled back, trying its commands one by one", error=type(error).__name__)
            for waiting in batch:
                await self._commit([waiting])
        else:
            self._on_commit()
            for waiting, outcome in zip(batch, outcomes, strict=True):
                if waiting.answered.done():
                    continue
                if isinstance(outcome, errors.Refused):
                    waiting.answered.set_exception(outcome)
                else:
                    waiting.answered.set_result(outcome)

    def _fail(self, batch: Sequence[_Waiting], error: Exception) -> None:
        for waiting in batch:
            if not waiting.answered.done():
                waiting.answered.set_exception(error)

    async def _transact(self, requests: Sequence[Request]) -> list[Outcome]:
        async with self._pool.acquire() as connection, connection.transaction():
            return await _decide_and_append(connection, requests)


async def _decide_and_append(connection: Connection, requests: Sequence[Request]) -> list[Outcome]:
    """Everything below happens in one transaction; a refused command leaves its neighbours alone."""
    commands = [request.command for request in requests]
    # First the locks: what is read after them is what the decisions stand on.
    streams = await store.lock_streams(connection, [command.ticket_id for command in commands])
    keys = [(request.command.author_id, request.key) for request in requests if request.key is not None]
    answers = await store.answers(connection, keys) if keys else {}
    decided_in = await situations.read(connection, commands)
    streams = await _with_occurrences(connection, streams, commands)
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
    for event in decide(state, command, situation):
        state = evolve(state, state.version + 1, event)
        new.append(
            NewEvent(
                event_id=UUID(str(uuid7())),
                ticket_id=command.ticket_id,
                version=state.version,
                type=type_name(type(event)),
                subject_id=_subject(event),
                actor=command.author_id,
                correlation_id=request.correlation_id,
                traceparent=request.traceparent,
                recorded_at=recorded_at,
                data=serialise(event).decode(),
            )
        )
    response: dict[str, object] = {"ticket_id": command.ticket_id, "version": state.version}
    match command:
        case RecordOccurrence() | OccurrenceCommand():
            response["occurrence_id"] = str(command.occurrence_id)
            response["notification"] = notification(command, situation)
        case SendMessage():
            response["message_id"] = str(command.message_id)
            response["notification"] = notification(command, situation)
        case PostChat():
            response["message_id"] = str(command.message_id)
        case _:
            response["recorded"] = bool(new)
    return Stream(state, recorded_at if new else stream.recorded_at), new, response


async def _with_occurrences(
    connection: Connection, streams: Mapping[str, Stream], commands: Sequence[AnyCommand]
) -> dict[str, Stream]:
    """The streams with those occurrences folded in that the commands are about."""
    wanted = [command.occurrence_id for command in commands if isinstance(command, OccurrenceCommand)]
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


def _subject(event: NoteEvent) -> UUID | None:
    return getattr(event, "occurrence_id", None) or getattr(event, "message_id", None)


def request_hash(method_and_path: str, canonical_body: str) -> bytes:
    """What tells one request from another under the same idempotency key."""
    return sha256(f"{method_and_path}\n{canonical_body}".encode()).digest()


Handle = Callable[[Request], Awaitable[Response]]
