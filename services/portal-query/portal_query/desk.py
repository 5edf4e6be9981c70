"""The routes of executors: the desk, its tickets, and what happens on them right now."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.sse import ServerSentEvent
from relato_contracts.fields import Id
from relato_contracts.itsm import TicketStatus
from relato_runtime.caller import Caller
from relato_runtime.database import Pool
from relato_runtime.problems import Problem

from portal_query import read, shapes, streams, view
from portal_query.http import (
    PAGE,
    CursorText,
    Portal,
    PresenceBody,
    ReadBody,
    Search,
    TicketId,
    answer,
    documented,
    documented_stream,
    not_found,
    page,
)
from portal_query.presence import Present
from portal_query.read import Filters
from portal_query.streams import DeskSource, Position
from portal_query.together import Together

_TICKET = "/tickets/{ticket_id}"


@dataclass(frozen=True, slots=True)
class Opened:
    """A stream that may begin."""

    source: DeskSource
    ticket_id: str
    position: Position
    session: str | None


def routes(portal: Portal, pool: Pool) -> APIRouter:
    """The routes below ``/api/portal/tickets``; ``pool`` is of the role that reads for executors."""
    router = APIRouter(prefix="/api/portal", tags=["desk"])
    Who = Annotated[Caller, Depends(portal.caller)]

    @router.get("/tickets", **documented(shapes.Page[shapes.Ticket], status_403="Not an executor"))
    async def tickets(  # noqa: PLR0917  # one for each parameter of the query
        request: Request,
        who: Who,
        q: Search = None,
        status: Annotated[list[TicketStatus] | None, Query()] = None,
        group: Annotated[Id | None, Query()] = None,
        assignee: Annotated[Id | None, Query()] = None,
        cursor: CursorText = None,
    ) -> Response:
        """The tickets that the caller may see, last activity first."""
        before = (read.LAST, "")
        if cursor is not None:
            at, ticket_id = portal.cursors.read("tickets", cursor)
            before = (datetime.fromisoformat(str(at)), str(ticket_id))
        filters = Filters((q or "").strip() or None, status, group, assignee)
        rows = await read.tickets(pool, who.person_id, filters, before, PAGE + 1)
        if not rows and not await read.is_executor(pool, who.person_id):
            raise Problem(403, "not-permitted", "Only members of groups that execute tickets see the desk.")
        found = [view.ticket(row) for row in rows]
        return answer(
            request,
            page(
                portal.cursors,
                "tickets",
                found,
                lambda n: (rows[n]["last_activity_at"], rows[n]["ticket_id"]),
            ),
        )

    @router.get(_TICKET, **documented(shapes.Ticket, status_404="No such ticket"))
    async def ticket(request: Request, who: Who, ticket_id: TicketId) -> Response:
        """One ticket."""
        row = await read.ticket(pool, who.person_id, ticket_id)
        if row is None:
            raise not_found()
        return answer(request, view.ticket(row))

    together = Together(pool)

    async def opened(
        request: Request,
        who: Who,
        ticket_id: TicketId,
        after: Annotated[int | None, Query(ge=0, le=2**31 - 1)] = None,
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> AsyncIterator[Opened]:
        row = await read.ticket(pool, who.person_id, ticket_id)
        if row is None:
            raise not_found()
        source = DeskSource(together, portal.presence, who.person_id, ticket_id)
        known = row["last_version"] if after is None else after
        position = streams.resumed(last_event_id) or streams.beginning(known, datetime.now(UTC))
        with portal.streams.one_of(who.person_id):
            yield Opened(source, ticket_id, position, portal.session(request))

    @router.get(_TICKET + "/stream", **documented_stream())
    async def stream(opened: Annotated[Opened, Depends(opened)]) -> AsyncIterator[ServerSentEvent]:
        """What is new on a ticket since its version ``after``, or now: entry, mail, seen, presence."""
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
        _TICKET + "/presence",
        **documented(None, status=204, status_400="Not UTF-8", status_404="No such ticket"),
    )
    async def presence(who: Who, ticket_id: TicketId, body: PresenceBody) -> Response:
        """Say that the caller looks at a ticket, writes on it, or has left; to be repeated while it is so."""
        if await read.ticket(pool, who.person_id, ticket_id) is None:
            raise not_found()
        await portal.presence.say(
            ticket_id, Present(who.person_id, who.name, "attendant", body.state, body.for_team, body.page)
        )
        return Response(status_code=204)

    @router.post(
        _TICKET + "/chat/read",
        **documented(None, status=204, status_400="Not UTF-8", status_404="No such ticket"),
    )
    async def read_chat(who: Who, ticket_id: TicketId, body: ReadBody) -> Response:
        """Say how far the caller has read the chat: later lines of the requester are what is unread."""
        row = await read.ticket(pool, who.person_id, ticket_id)
        if row is None:
            raise not_found()
        up_to = min(body.up_to_version, row["last_version"])
        await portal.chat_read.say(who.person_id, ticket_id, up_to)
        return Response(status_code=204)

    return router
