"""Pure: how a ticket's events hang together, so that none can be changed, added or removed unnoticed."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from pydantic_core import from_json
from relato_contracts import commitments
from relato_contracts.commitments import SALT_BYTES, Openings, Part, Value

SALT = "relato-salt"
"""Of records on ``relato.notes``: an event's salt, so that a log made from its topic has the same chain."""
OPENINGS = "relato-openings"
"""In its place, of an event whose texts are erased."""

Hashes = Mapping[tuple[str, int], bytes]
"""Of events, by ticket and version."""


class Event(Protocol):
    """What of an event its commitment is about."""

    @property
    def ticket_id(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def event_id(self) -> UUID: ...
    @property
    def type(self) -> str: ...
    @property
    def actor(self) -> str: ...
    @property
    def correlation_id(self) -> str: ...
    @property
    def recorded_at(self) -> datetime: ...
    @property
    def data(self) -> str: ...
    @property
    def salt(self) -> bytes | None: ...
    @property
    def openings(self) -> str | None: ...


def follow(known: Hashes, events: Iterable[Event]) -> list[bytes]:
    """The hash of each event, behind the one before it, which is among them or among the ``known``.

    Where it is missing the chain begins anew; a verification tells the hole.
    """
    hashes = dict(known)
    every = []
    for event in events:
        before = hashes.get((event.ticket_id, event.version - 1))
        linked = link(before, event)
        hashes[event.ticket_id, event.version] = linked
        every.append(linked)
    return every


def link(previous: bytes | None, event: Event) -> bytes:
    """The hash of an event behind the one before it, of which a ticket's first has none."""
    before = commitments.start(event.ticket_id) if previous is None else previous
    return commitments.link(before, event.version, commitment(event))


def commitment(event: Event) -> bytes:
    """What stands for an event in its chain."""
    return committed(event, stated(event))


def committed(event: Event, fields: Mapping[str, Value]) -> bytes:
    """The same of one that has been read."""
    if event.openings is None and event.salt is not None:
        return commitments.commit(fields, event.salt)
    return commitments.commitment(commitments.parts(fields), opened(event.salt, event.openings))


def parts(event: Event) -> Mapping[Part, bytes]:
    """An event by parts; ``ValueError`` where its data is no JSON object."""
    return commitments.parts(stated(event))


def stated(event: Event) -> dict[str, Value]:
    """All that an event says: the fields of its fact, and of its envelope."""
    data = from_json(event.data)
    if not isinstance(data, dict):
        raise ValueError("an event's data is a JSON object")
    data["type"] = event.type
    data["event_id"] = event.event_id
    data["actor"] = event.actor
    data["correlation_id"] = event.correlation_id
    data["recorded_at"] = event.recorded_at.astimezone(UTC)
    return data


def opened(salt: bytes | None, openings: str | None) -> Openings:
    """What the log keeps of an event's commitment, as it is needed to check it."""
    if openings is not None:
        return commitments.from_json(json.loads(openings))
    if salt is None:
        raise ValueError("neither a salt nor openings")
    return commitments.openings(salt)


def written(known: Openings) -> str:
    """Openings as the log keeps them."""
    return json.dumps(commitments.as_json(known), separators=(",", ":"))


def headers(salt: bytes | None, openings: str | None) -> list[tuple[str, bytes]]:
    """What an event's record carries of it; nothing before it is chained."""
    if openings is not None:
        return [(OPENINGS, openings.encode())]
    return [] if salt is None else [(SALT, salt.hex().encode())]


def carried(headers: Mapping[str, bytes | None]) -> tuple[bytes | None, str | None]:
    """The salt or the openings that a record carries; neither of those from before there were chains."""
    try:
        if raw := headers.get(OPENINGS):
            return None, written(commitments.from_json(json.loads(raw)))
        salt = bytes.fromhex((headers.get(SALT) or b"").decode())
    except ValueError:
        return None, None
    return (salt, None) if len(salt) == SALT_BYTES else (None, None)
