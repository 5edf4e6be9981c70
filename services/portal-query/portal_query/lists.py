"""Server-sent events about a list of tickets: those that changed, and those that no longer belong to it.

A stream tells what was active since its client knew the list, and then whatever notifications name, a
second's worth at a time. It reads those tickets alone, however long the list is.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

import structlog
from fastapi.sse import ServerSentEvent
from pydantic_core import to_json
from relato_runtime.database import UNAVAILABLE

from portal_query.live import Live
from portal_query.shapes import Request, Ticket

log = structlog.get_logger(__name__)

Row = TypeVar("Row", Ticket, Request)
_RETRY_MILLISECONDS = 1_000
_BREATH_SECONDS = 1.0
_AGAIN = timedelta(minutes=5)
"""How much of what a client knows it is told again: clocks differ, and projections take a moment."""


@dataclass(frozen=True, slots=True)
class List(Generic[Row]):
    """What a stream is about."""

    person_id: str
    session: str | None
    read: Callable[[Sequence[str] | None], Awaitable[list[Row]]]
    """The list's beginning, or those of the given tickets that belong to it."""
    theirs: Callable[[Sequence[str]], Awaitable[set[str]]]
    """Those of the given tickets that the person may see, whether or not they belong to the list."""
    write: Callable[[list[Row]], str]


def since(last_event_id: str | None, known_at: datetime) -> datetime:
    """The moment from which a client has to be told what happened."""
    with suppress(ValueError, OverflowError, OSError):  # there is none when it connects first
        known_at = datetime.fromtimestamp(int(last_event_id or "") / 1000, UTC)
    return known_at - _AGAIN


async def events(
    of: List[Row], live: Live, begin: datetime, *, lasting: timedelta
) -> AsyncIterator[ServerSentEvent]:
    """Everything that changes in a list, until the stream has lasted long enough."""
    clock = asyncio.get_running_loop().time
    ends = clock() + lasting.total_seconds()
    yield ServerSentEvent(retry=_RETRY_MILLISECONDS)
    try:
        with live.following_all(of.person_id, of.session) as changes:
            now = datetime.now(UTC)
            rows = await of.read(None)
            known = _ids(rows)
            if fresh := [row for row in rows if row["last_activity_at"] > begin]:
                yield _sent("rows", of.write(fresh), now)
            while await changes.wait(ends - clock()):
                await asyncio.sleep(_BREATH_SECONDS)  # what happens meanwhile is told together
                now, named = datetime.now(UTC), changes.take()
                rows = await of.read(None if named is None else sorted(named))
                there = _ids(rows)
                gone = await _gone(of, known, named, there)
                known = known - gone | there
                if gone:
                    yield _sent("gone", to_json(sorted(gone)).decode(), now)
                if rows:
                    yield _sent("rows", of.write(rows), now)
    except UNAVAILABLE as error:
        log.warning("list stream ended without database", error=type(error).__name__)


async def _gone(of: List[Row], known: set[str], named: set[str] | None, there: set[str]) -> set[str]:
    """Those that no longer belong to the list, of what changed."""
    if named is None:  # what is further down by now is still there
        lower = known - there
        return lower - _ids(await of.read(sorted(lower))) if lower else set()
    # A page may show more than this stream began with; of others' tickets nothing is said.
    unknown = named - there - known
    return named & known - there | (await of.theirs(sorted(unknown)) if unknown else set())


def _ids(rows: Sequence[Ticket | Request]) -> set[str]:
    return {row["ticket_id"] for row in rows}


def _sent(name: str, data: str, at: datetime) -> ServerSentEvent:
    return ServerSentEvent(event=name, raw_data=data, id=str(int(at.timestamp() * 1000)))
