"""Server-sent events about one ticket: what is new since the position that a client has.

A position is an event's id, so that a reconnecting client goes on where it was (HTML standard,
server-sent events, Last-Event-ID). What stands in the ticket's stream comes once; mails and changes
of the ticket itself have no number there, and those of the last hour may come again after a
reconnect: clients tell them apart by ``mail_id`` and ``event_id``.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

import structlog
from fastapi.sse import ServerSentEvent
from pydantic_core import to_json
from relato_runtime.database import UNAVAILABLE, Pool

from portal_query import read_requests, view
from portal_query.live import Live
from portal_query.presence import Presence
from portal_query.shapes import DeskPresence, RequestPresence
from portal_query.together import Together

log = structlog.get_logger(__name__)

_OUTSIDE = 200
_AGAIN = timedelta(hours=1)
_CLOCKS = timedelta(minutes=5)
"""How far the clocks of those who record may be apart."""
_RETRY_MILLISECONDS = 1_000
"""How soon browsers open a stream anew that ended; by themselves they wait for three seconds or more."""
_POSITION = re.compile(r"([0-9]{1,10})-([0-9]{1,14})-([0-9]{1,14})")


@dataclass(frozen=True, slots=True)
class Position:
    """How far a client has come: in the ticket's stream, when that was recorded, and when it last looked."""

    version: int
    recorded_at: datetime
    looked_at: datetime

    def __str__(self) -> str:
        return f"{self.version}-{_milliseconds(self.recorded_at)}-{_milliseconds(self.looked_at)}"


@dataclass(frozen=True, slots=True)
class Event:
    """Something new, and the position of whoever knows it."""

    name: str
    data: object
    after: Position


Write = Callable[[Event], Awaitable[str]]
"""What an event says on the wire: JSON for programs, HTML for pages; nothing is not sent."""


async def as_json(event: Event) -> str:
    """The event for programs, which ask for a ticket's state where they need it."""
    return "" if event.name == "ticket" else to_json(event.data).decode()


@dataclass(frozen=True, slots=True)
class Settings:
    """A mark of what is set for everybody, told when it is another than a page was made with."""

    known: str
    read: Callable[[], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Reading:
    """How far somebody has read the ticket's chat, on whichever of their pages."""

    person_id: str
    up_to: Callable[[], Awaitable[int]]


async def _sent(event: Event, write: Write) -> list[ServerSentEvent]:
    data = await write(event)
    return [ServerSentEvent(event=event.name, raw_data=data, id=str(event.after))] if data else []


class Source(Protocol):
    """What one stream tells, and how it reads that."""

    def catch_up(self, position: Position) -> AsyncIterator[Event]:
        """What is new since a position; ``Ended`` for whoever may no longer see the ticket."""
        ...

    async def presence(self) -> object:
        """Who is there, as the client may know it."""
        ...


class Ended(Exception):
    """Whoever reads may no longer see the ticket."""


async def events(
    source: Source,
    live: Live,
    ticket_id: str,
    begin: Position,
    *,
    lasting: timedelta,
    write: Write = as_json,
    settings: Settings | None = None,
    reading: Reading | None = None,
    session: str | None = None,
) -> AsyncIterator[ServerSentEvent]:
    """Everything new about a ticket, until the stream has lasted long enough and the client opens another."""
    clock = asyncio.get_running_loop().time
    ends = clock() + lasting.total_seconds()
    reached, told = begin, None
    known = settings and settings.known
    yield ServerSentEvent(retry=_RETRY_MILLISECONDS)
    try:
        with live.following(ticket_id, session, reading.person_id if reading else None) as changes:
            # What happened before this began.
            changes.wake(history=True, presence=True, settings=True, read=True)
            while await changes.wait(ends - clock()):
                history, presence, changed = changes.history, changes.presence, changes.settings
                read = changes.read
                changes.seen()
                if changed and settings and (now := await settings.read()) != known:
                    known = now
                    for sent in await _sent(Event("settings", now, reached), write):
                        yield sent
                if history:
                    async for event in source.catch_up(reached):
                        reached = event.after
                        for sent in await _sent(event, write):
                            yield sent
                if presence and (there := await source.presence()) != told:
                    told = there
                    for sent in await _sent(Event("presence", there, reached), write):
                        yield sent
                if read and reading:
                    for sent in await _sent(Event("read", await reading.up_to(), reached), write):
                        yield sent
    except Ended:
        log.info("stream ended without access", ticket_id=ticket_id)
    except UNAVAILABLE as error:
        log.warning("stream ended without database", ticket_id=ticket_id, error=type(error).__name__)


def resumed(last_event_id: str | None) -> Position | None:
    """The position that a client says it has, if it is one."""
    match = _POSITION.fullmatch(last_event_id or "")
    if match is None:
        return None
    version, recorded_at, looked_at = (int(part) for part in match.groups())
    if version > 2**31 - 1:
        return None
    return Position(version, _moment(recorded_at), _moment(looked_at) - _AGAIN)


def beginning(version: int, now: datetime, since: datetime | None = None) -> Position:
    """The position of a client that knows a ticket up to a version, and nothing of this stream yet.

    A page was made at a moment, ``since``, and may begin its stream much later, as often as it has to.
    """
    looked_at = now if since is None else since - _CLOCKS
    return Position(version, now, looked_at)


class DeskSource:
    """What executors are told: entries, outcomes of mails, and who is there."""

    def __init__(self, together: Together, presence: Presence, person_id: str, ticket_id: str) -> None:
        self._together = together
        self._presence = presence
        self._person_id = person_id
        self._ticket_id = ticket_id
        self._known: set[UUID] | None = None
        """What stands outside of the ticket's stream and was told, or is older than the client."""

    async def catch_up(self, position: Position) -> AsyncIterator[Event]:
        now = datetime.now(UTC)
        # To the minute, so that streams which began at different moments ask for the same.
        after = (position.recorded_at - _CLOCKS).replace(second=0, microsecond=0)
        found = await self._together.since(self._person_id, self._ticket_id, position.version, after)
        if found is None:
            raise Ended
        for row in found.rows:
            version = max(row["version"], row["occurrence_version"] or 0)
            if version > position.version and version == row["version"]:
                position = replace(position, version=version, recorded_at=row["recorded_at"])
            if row["kind"] == "view":
                yield Event("seen", view.seen(row), position)
            elif row["kind"] != "chat" or found.chat_enabled:
                yield Event("entry", view.entry(row), position)
        # What is not shown, while occurrences are switched off for one, has been passed as well.
        position = replace(position, version=max(position.version, found.last_version))
        async for event in self._outside(replace(position, looked_at=now), position.looked_at):
            yield event

    async def _outside(self, position: Position, since: datetime) -> AsyncIterator[Event]:
        latest = await self._together.outside(self._ticket_id, _OUTSIDE)
        if self._known is None:
            self._known = {row["event_id"] for row in latest if row["recorded_at"] <= since}
        new = [row["event_id"] for row in latest if row["event_id"] not in self._known]
        if not new:
            return
        found = await self._together.entries(self._person_id, self._ticket_id, new)
        if found is None:
            raise Ended
        for row in found.rows:
            self._known.add(row["event_id"])
            if row["kind"] == "mail":
                yield Event("mail", view.mail_of_entry(row), position)
            else:
                yield Event("entry", view.entry(row), position)

    async def presence(self) -> DeskPresence:
        rows = await self._together.once(
            ("presence", self._ticket_id), lambda: self._presence.of(self._ticket_id)
        )
        return DeskPresence(people=[view.present(row) for row in rows])


class RequestSource:
    """What requesters are told: entries, those that are gone, and whether an attendant is there."""

    def __init__(self, pool: Pool, presence: Presence, person_id: str, ticket_id: str) -> None:
        self._pool = pool
        self._presence = presence
        self._person_id = person_id
        self._ticket_id = ticket_id
        self._said: Hashable = None
        """What the ticket itself was said to be when this was last read."""

    async def catch_up(self, position: Position) -> AsyncIterator[Event]:
        found = await read_requests.since(self._pool, self._person_id, self._ticket_id, position.version)
        if found is None:
            raise Ended
        said, self._said = self._said, found.said
        if said not in {None, found.said}:
            yield Event("ticket", None, position)
        for row in found.rows:
            position = replace(position, version=row["current_version"])
            if row["kind"] == "gone":
                yield Event("gone", view.gone(row), position)
            else:
                yield Event("entry", view.request_entry(row), position)

    async def presence(self) -> RequestPresence:
        # That somebody writes what is internal is internal too.
        states = {
            "viewing" if row["for_team"] else row["state"]
            for row in await self._presence.of(self._ticket_id)
            if row["role"] == "attendant"
        }
        if "writing" in states:
            return RequestPresence(attendant="writing")
        return RequestPresence(attendant="viewing" if states else "gone")


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
