"""Server-sent events about a list of tickets: those that changed, and those that no longer belong to it.

A stream tells what was active since its client knew the list, and then whatever notifications name, a
second's worth at a time. It reads those tickets alone, however long the list is.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import structlog
from fastapi.sse import ServerSentEvent
from pydantic_core import to_json
from relato_runtime.database import UNAVAILABLE

from portal_query.live import Live
from portal_query.shapes import Request, Ticket

log = structlog.get_logger(__name__)

Row = TypeVar("Row", Ticket, Request)
Read = Callable[[Sequence[str] | None], Awaitable[list[Row]]]
"""The list's beginning, or those of the given tickets that belong to it."""

_RETRY_MILLISECONDS = 1_000
_BREATH_SECONDS = 1.0
_AGAIN = timedelta(minutes=5)
"""How much of what a client knows it is told again: clocks differ, and projections take a moment."""


def since(last_event_id: str | None, known_at: datetime) -> datetime:
    """The moment from which a client has to be told what happened."""
    with suppress(ValueError, OverflowError, OSError):  # there is none when it connects first
        known_at = datetime.fromtimestamp(int(last_event_id or "") / 1000, UTC)
    return known_at - _AGAIN


async def events(
    read: Read[Row], live: Live, begin: datetime, *, lasting: timedelta, write: Callable[[list[Row]], str]
) -> AsyncIterator[ServerSentEvent]:
    """Everything that changes in a list, until the stream has lasted long enough."""
    clock = asyncio.get_running_loop().time
    ends = clock() + lasting.total_seconds()
    yield ServerSentEvent(retry=_RETRY_MILLISECONDS)
    try:
        with live.following_all() as changes:
            now = datetime.now(UTC)
            rows = await read(None)
            known = {row["ticket_id"] for row in rows}
            if fresh := [row for row in rows if row["last_activity_at"] > begin]:
                yield _sent("rows", write(fresh), now)
            while await changes.wait(ends - clock()):
                await asyncio.sleep(_BREATH_SECONDS)  # what happens meanwhile is told together
                now, named = datetime.now(UTC), changes.take()
                rows = await read(None if named is None else sorted(named))
                there = {row["ticket_id"] for row in rows}
                # Of others' tickets nothing is said, not even that they exist.
                gone = known & named - there if named is not None else set[str]()
                known = known - gone | there
                if gone:
                    yield _sent("gone", to_json(sorted(gone)).decode(), now)
                if rows:
                    yield _sent("rows", write(rows), now)
    except UNAVAILABLE as error:
        log.warning("list stream ended without database", error=type(error).__name__)


def _sent(name: str, data: str, at: datetime) -> ServerSentEvent:
    return ServerSentEvent(event=name, raw_data=data, id=str(int(at.timestamp() * 1000)))
