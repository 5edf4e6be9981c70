"""A ticket's facts lose their words, and a fact behind them says so: one transaction for each ticket."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from relato_contracts.commitments import SALT_BYTES
from relato_contracts.envelope import serialise, type_name
from relato_contracts.notes import ErasureCause, TextErased
from relato_runtime import leftovers
from relato_runtime.database import Connection
from uuid6 import uuid7

from notes import store
from notes.privacy import erasures
from notes.privacy.forgetting import Forgotten, forget, without
from notes.proof import chain, chaining
from notes.state import evolve
from notes.store import NewEvent, Stream

_AT_ONCE = 5_000
"""Facts that one says are erased: more would not fit into a record."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Who is to be heard no more, or with nobody named everybody; why, and who decided so."""

    person_id: str | None
    cause: ErasureCause
    by: str
    correlation_id: str


async def silence(connection: Connection, ticket_id: str, what: Silence, now: datetime) -> int:
    """Erase it on one ticket, inside the caller's transaction: from how many facts something went."""
    streams = await chaining.locked(connection, [ticket_id])
    told = await erasures.told(connection, [ticket_id], what.person_id)
    gone = [each for event in told if (each := forget(event, what.person_id)) is not None]
    if not gone:
        return 0
    await erasures.put(connection, gone, now)
    stream = streams[ticket_id]
    events = []
    for start in range(0, len(gone), _AT_ONCE):
        fact = fact_of(ticket_id, gone[start : start + _AT_ONCE], what.cause, now)
        stream, event = _next(stream, fact, what, now)
        events.append(event)
    hashes = chain.follow(chaining.heads(streams), events)
    await store.append(connection, events, hashes, {ticket_id: stream}, [])
    return len(gone)


async def repeat(connection: Connection, facts: Iterable[TextErased]) -> None:
    """Erase what these facts say is erased, from a log that was put back from before that."""
    for fact in facts:
        told = await erasures.named(connection, fact.ticket_id, fact.versions)
        gone = [
            each
            for event in told
            if (each := without(event, anonymous=event.version in fact.anonymous)) is not None
        ]
        if gone:
            await erasures.put(connection, gone, fact.erased_at)
            await leftovers.note(connection)
        if fact.cause == "retention":
            await erasures.discard_drafts(connection, fact.ticket_id)


def fact_of(ticket_id: str, gone: Sequence[Forgotten], cause: ErasureCause, now: datetime) -> TextErased:
    """Pure: what says that something went from these."""
    return TextErased(
        ticket_id=ticket_id,
        versions=tuple(each.event.version for each in gone),
        anonymous=tuple(each.event.version for each in gone if each.anonymous),
        subjects=tuple(sorted({each.event.subject_id for each in gone if each.event.subject_id is not None})),
        cause=cause,
        erased_at=now,
    )


def _next(stream: Stream, fact: TextErased, what: Silence, now: datetime) -> tuple[Stream, NewEvent]:
    state = evolve(stream.state, stream.state.version + 1, fact)
    recorded_at = max(now, stream.recorded_at).astimezone(UTC)
    event = NewEvent(
        event_id=UUID(str(uuid7())),
        ticket_id=fact.ticket_id,
        version=state.version,
        type=type_name(TextErased),
        subject_id=None,
        actor=what.by,
        correlation_id=what.correlation_id,
        traceparent=None,
        recorded_at=recorded_at,
        data=serialise(fact).decode(),
        salt=secrets.token_bytes(SALT_BYTES),
    )
    return replace(stream, state=state, recorded_at=recorded_at), event
