"""What all routes share: who asks, how far the projection has to be, and answers with validators."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, TypeVar

from fastapi import Path, Query, Request, Response
from fastapi.sse import EventSourceResponse
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints
from pydantic_core import to_json
from relato_contracts.fields import Id
from relato_contracts.presence import PresenceState
from relato_runtime.auth import Authenticator
from relato_runtime.caller import Caller
from relato_runtime.http import RateLimit
from relato_runtime.problems import Problem, unavailable

from portal_query.chat_read import ChatRead
from portal_query.cursor import Cursors
from portal_query.live import Live
from portal_query.open_streams import OpenStreams
from portal_query.presence import Presence
from portal_query.read import Rows

PAGE = 50
"""Entries of a page."""
_PATIENCE_SECONDS = 2.0

TicketId = Annotated[Id, Path()]
CursorText = Annotated[str | None, Query(alias="cursor", max_length=1_000)]
MinVersion = Annotated[
    int | None,
    Query(ge=0, le=2**31 - 1, description="Wait until the history has come as far as this version."),
]
Search = Annotated[str | None, StringConstraints(max_length=200, pattern=r"^[^\x00]*$"), Query()]
Filter = Annotated[str, StringConstraints(max_length=64, pattern=r"^[^\x00]*$")]
"""What a form sends of a list's filter: an id, or nothing."""


class PresenceBody(BaseModel):
    """What a page says about the person before it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: PresenceState
    for_team: StrictBool = False
    """What is written is internal: the requester is not told that somebody writes."""
    page: Annotated[str, StringConstraints(max_length=64, pattern=r"^[A-Za-z0-9._:-]*$")] = ""
    """Which of the caller's pages says so: that one is gone leaves the others."""


class ReadBody(BaseModel):
    """How far somebody has read a chat."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    up_to_version: Annotated[int, Field(strict=True, ge=1, le=2**31 - 1)]


@dataclass(frozen=True, slots=True)
class Portal:
    """What routes work with."""

    authenticate: Authenticator
    limit: RateLimit
    cursors: Cursors
    live: Live
    streams: OpenStreams
    presence: Presence
    chat_read: ChatRead
    session: Callable[[Request], str | None]
    """What the session of a browser's request is called; none for programs."""
    stream_lasting: timedelta

    async def caller(self, request: Request) -> Caller:
        """Who asks, as a FastAPI dependency; ``Problem`` 401 or 429."""
        caller = await self.authenticate(request)
        self.limit.spend(caller.person_id)
        return caller

    async def at_version(
        self, ticket_id: str, min_version: int | None, read: Callable[[], Awaitable[Rows | None]]
    ) -> Rows:
        """What ``read`` gives once the ticket's history has come as far as ``min_version``.

        ``Problem`` 404 where there is nothing to see, 503 when the projection takes longer than 2 s.
        A ticket may have been recorded on before its own fact has come: that, too, is waited for.
        """
        clock = asyncio.get_running_loop().time
        ends = clock() + _PATIENCE_SECONDS
        with self.live.following(ticket_id) as changes:
            found = await read()
            while min_version and not _reaches(found, min_version) and await changes.wait(ends - clock()):
                changes.seen()
                found = await read()
        if found is None:
            raise not_found()
        if min_version and not _reaches(found, min_version):
            raise unavailable("The history has not come that far yet.", code="not-yet-projected")
        return found


Shape = TypeVar("Shape")


def page(
    cursors: Cursors, of: str, shapes: list[Shape], place: Callable[[int], tuple[Any, ...]]
) -> dict[str, object]:
    """A page of up to ``PAGE`` from a list of which one more was read, to see whether it goes on."""
    items = shapes[:PAGE]
    more = len(shapes) > PAGE
    return {"items": items, "next_cursor": cursors.write(of, *place(PAGE - 1)) if more else None}


def answer(request: Request, body: object) -> Response:
    """JSON with a validator; 304 when the client has it already (RFC 9110 §13.1.2)."""
    content = to_json(body)
    digest = hashlib.blake2b(content, digest_size=12).hexdigest()
    headers = {
        "ETag": f'W/"{digest}"',  # weak, since the front door may compress
        "Cache-Control": "private, no-cache",
        "Vary": "Authorization, Cookie",
    }
    known = request.headers.get("if-none-match", "")
    if known.strip() == "*" or digest in known:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="application/json", headers=headers)


def not_found() -> Problem:
    """404: the same for a ticket that does not exist and for one that is not for the caller to see."""
    return Problem(404, "ticket-not-found", "There is no such ticket, or you may not see it.")


def chat_disabled() -> Problem:
    """409: parameter 316."""
    return Problem(409, "chat-disabled", "Chat is switched off (parameter 316).")


def documented(shape: object | None, *, status: int = 200, **problems: str) -> dict[str, Any]:
    """Arguments of a route that answers with JSON made by ``view``: for its documentation alone."""
    responses: dict[int | str, dict[str, Any]] = {
        status: {"description": "OK"} if shape is None else {"description": "OK", "model": shape},
        **{
            int(code.removeprefix("status_")): {"description": text, **_PROBLEM}
            for code, text in (_ALWAYS | problems).items()
        },
    }
    return {"response_model": None, "status_code": status, "responses": responses}


def documented_stream() -> dict[str, Any]:
    """Arguments of a route that answers with server-sent events."""
    return documented(None, status_404="No such ticket") | {"response_class": EventSourceResponse}


def _reaches(found: Rows | None, version: int) -> bool:
    return found is not None and found.last_version >= version


_PROBLEM = {"content": {"application/problem+json": {"schema": {"type": "object"}}}}
_ALWAYS = {
    "status_401": "No token that counts",
    "status_422": "Invalid",
    "status_429": "Too many requests",
    "status_503": "Try again later",
}
