"""The routes of requesters: their own tickets, and of those what they may see."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.sse import ServerSentEvent
from relato_runtime.caller import Caller
from relato_runtime.database import Pool

from portal_query import read, read_requests, shapes, streams, view
from portal_query.http import (
    PAGE,
    CursorText,
    MinVersion,
    Portal,
    PresenceBody,
    TicketId,
    answer,
    chat_disabled,
    documented,
    documented_stream,
    not_found,
    page,
)
from portal_query.presence import Present
from portal_query.streams import Position, RequestSource

_REQUEST = "/my/requests/{ticket_id}"


@dataclass(frozen=True, slots=True)
class Opened:
    """A stream that may begin."""

    source: RequestSource
    ticket_id: str
    position: Position
    session: str | None


def routes(portal: Portal, pool: Pool) -> APIRouter:
    """The routes below ``/api/portal/my``; ``pool`` is of the role that cannot read anything internal."""
    router = APIRouter(prefix="/api/portal", tags=["my requests"])
    Who = Annotated[Caller, Depends(portal.caller)]

    @router.get("/my/requests", **documented(shapes.Page[shapes.Request]))
    async def my_requests(request: Request, who: Who, cursor: CursorText = None) -> Response:
        """The caller's tickets, last activity first."""
        before = (read.LAST, "")
        if cursor is not None:
            at, ticket_id = portal.cursors.read("requests", cursor)
            before = (datetime.fromisoformat(str(at)), str(ticket_id))
        rows = await read_requests.requests(pool, who.person_id, before, PAGE + 1)
        found = [view.request(row) for row in rows]
        return answer(
            request,
            page(
                portal.cursors,
                "requests",
                found,
                lambda n: (rows[n]["last_activity_at"], rows[n]["ticket_id"]),
            ),
        )

    @router.get(_REQUEST, **documented(shapes.Request, status_404="No such ticket"))
    async def my_request(request: Request, who: Who, ticket_id: TicketId) -> Response:
        """One ticket of the caller's."""
        row = await read_requests.request(pool, who.person_id, ticket_id)
        if row is None:
            raise not_found()
        described = await read_requests.description(pool, who.person_id, ticket_id)
        return answer(request, view.request(row, described))

    @router.get(
        _REQUEST + "/history", **documented(shapes.Page[shapes.RequestEntry], status_404="No such ticket")
    )
    async def my_history(
        request: Request,
        who: Who,
        ticket_id: TicketId,
        cursor: CursorText = None,
        min_version: MinVersion = None,
    ) -> Response:
        """What the caller may see of their ticket's history, newest first."""
        of = f"my history {ticket_id}"
        before = None if cursor is None else int(portal.cursors.read(of, cursor)[0])
        found = await portal.at_version(
            ticket_id,
            min_version,
            lambda: read_requests.history(pool, who.person_id, ticket_id, before, PAGE + 1),
        )
        entries = [view.request_entry(row) for row in found.rows]
        return answer(request, page(portal.cursors, of, entries, lambda n: (found.rows[n]["version"],)))

    @router.get(
        _REQUEST + "/chat",
        **documented(
            shapes.Page[shapes.RequestEntry], status_404="No such ticket", status_409="Chat is switched off"
        ),
    )
    async def my_chat(
        request: Request,
        who: Who,
        ticket_id: TicketId,
        cursor: CursorText = None,
        min_version: MinVersion = None,
    ) -> Response:
        """The ticket's chat, newest first."""
        of = f"my chat {ticket_id}"
        before = None if cursor is None else int(portal.cursors.read(of, cursor)[0])
        found = await portal.at_version(
            ticket_id,
            min_version,
            lambda: read_requests.chat(pool, who.person_id, ticket_id, before, PAGE + 1),
        )
        if not found.chat_enabled:
            raise chat_disabled()
        lines = [view.request_entry(row) for row in found.rows]
        return answer(request, page(portal.cursors, of, lines, lambda n: (found.rows[n]["version"],)))

    async def opened(
        request: Request,
        who: Who,
        ticket_id: TicketId,
        after: Annotated[int | None, Query(ge=0, le=2**31 - 1)] = None,
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> AsyncIterator[Opened]:
        row = await read_requests.request(pool, who.person_id, ticket_id)
        if row is None:
            raise not_found()
        source = RequestSource(pool, portal.presence, who.person_id, ticket_id)
        known = row["last_version"] if after is None else after
        position = streams.resumed(last_event_id) or streams.beginning(known, datetime.now(UTC))
        with portal.streams.one_of(who.person_id):
            yield Opened(source, ticket_id, position, portal.session(request))

    @router.get(_REQUEST + "/stream", **documented_stream())
    async def my_stream(opened: Annotated[Opened, Depends(opened)]) -> AsyncIterator[ServerSentEvent]:
        """What is new for the caller since the version ``after``, or from now on: entry, gone, presence."""
        async for event in streams.events(
            opened.source,
            portal.live,
            opened.ticket_id,
            opened.position,
            lasting=portal.stream_lasting,
            session=opened.session,
        ):
            yield event

    @router.post(
        _REQUEST + "/presence",
        **documented(None, status=204, status_400="Not UTF-8", status_404="No such ticket"),
    )
    async def my_presence(who: Who, ticket_id: TicketId, body: PresenceBody) -> Response:
        """Say that the caller looks at their ticket, writes on it, or has left; to be repeated meanwhile."""
        if await read_requests.request(pool, who.person_id, ticket_id) is None:
            raise not_found()
        await portal.presence.say(
            ticket_id, Present(who.person_id, who.name, "requester", body.state, page=body.page)
        )
        return Response(status_code=204)

    return router
