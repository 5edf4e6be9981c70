"""The lists of both sides while they are looked at: what changes comes as rows, as their page has them."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Response
from fastapi import Request as HttpRequest
from fastapi.sse import EventSourceResponse, ServerSentEvent
from relato_contracts.fields import UtcTime
from relato_runtime.database import Pool

from portal_query import lists, read, read_requests, view
from portal_query.http import PAGE, Filter, Portal, Search, not_found
from portal_query.lists import List
from portal_query.pages.desk import Asked
from portal_query.pages.reader import Reader, Readers
from portal_query.pages.render import Pages
from portal_query.read import Filters
from portal_query.shapes import Request, Ticket

_LastEventId = Annotated[str | None, Header(alias="last-event-id")]
_Those = Annotated[list[Filter], Query(alias="ticket", max_length=200)]


def routes(portal: Portal, pages: Pages, readers: Readers, executors: Pool, requesters: Pool) -> APIRouter:
    """The streams of ``/desk`` and ``/portal``; ``since`` is when the page was made.

    ``/desk/those`` and ``/portal/those`` are for rows that a stream does not know of, since they came as
    somebody scrolled on: those of the named tickets that still belong to the list, as they are now.
    """
    router = APIRouter(include_in_schema=False)
    Who = Annotated[Reader, Depends(readers.of)]

    def rows(reader: Reader, template: str, items: Sequence[object]) -> str:
        found = {"items": items, "next_cursor": None}
        return pages.fragment(replace(reader, now=datetime.now(UTC)), template, found=found)

    def executor(reader: Who) -> Reader:
        if not reader.has_desk:
            raise not_found()
        return reader

    async def of_desk(
        reader: Reader, asked: Asked, ticket_ids: Sequence[str] | None, limit: int
    ) -> list[Ticket]:
        filters = replace(asked.filters, ticket_ids=ticket_ids)
        found = await read.tickets(executors, reader.person_id, filters, (read.LAST, ""), limit)
        return [view.ticket(row) for row in found]

    @router.get("/desk/those")
    async def those_of_desk(  # noqa: PLR0917  # one for each field of the form
        request: HttpRequest,
        reader: Annotated[Reader, Depends(executor)],
        ticket_ids: _Those,
        q: Search = None,
        status: Annotated[list[Filter] | None, Query()] = None,
        group: Filter = "",
        assignee: Filter = "",
    ) -> Response:
        asked = Asked(q or "", [each for each in status or () if each], group, assignee)
        items = await of_desk(reader, asked, ticket_ids, len(ticket_ids))
        return pages.page(request, reader, "desk/rows.html", found={"items": items, "next_cursor": None})

    @router.get("/portal/those")
    async def own_those(request: HttpRequest, reader: Who, ticket_ids: _Those) -> Response:
        items = [
            view.request(row) for row in await read_requests.some(requesters, reader.person_id, ticket_ids)
        ]
        return pages.page(request, reader, "portal/rows.html", found={"items": items, "next_cursor": None})

    async def counted(reader: Who) -> AsyncIterator[None]:
        with portal.streams.one_of(reader.person_id):
            yield

    @router.get("/desk/stream", response_class=EventSourceResponse, dependencies=[Depends(counted)])
    async def desk(  # noqa: PLR0917  # one for each field of the form
        request: HttpRequest,
        reader: Annotated[Reader, Depends(executor)],
        since: UtcTime,
        q: Search = None,
        status: Annotated[list[Filter] | None, Query()] = None,
        group: Filter = "",
        assignee: Filter = "",
        last_event_id: _LastEventId = None,
    ) -> AsyncIterator[ServerSentEvent]:
        asked = Asked(q or "", [each for each in status or () if each], group, assignee)

        async def those(ticket_ids: Sequence[str] | None) -> list[Ticket]:
            return await of_desk(reader, asked, ticket_ids, PAGE if ticket_ids is None else len(ticket_ids))

        async def theirs(ticket_ids: Sequence[str]) -> set[str]:
            filters = Filters(ticket_ids=ticket_ids)
            found = await read.tickets(executors, reader.person_id, filters, (read.LAST, ""), len(ticket_ids))
            return {row["ticket_id"] for row in found}

        def write(items: list[Ticket]) -> str:
            return rows(reader, "desk/rows.html", items)

        shown = List(reader.person_id, portal.session(request), those, theirs, write)
        begin = lists.since(last_event_id, since)
        async for event in lists.events(shown, portal.live, begin, lasting=portal.stream_lasting):
            yield event

    @router.get("/portal/stream", response_class=EventSourceResponse, dependencies=[Depends(counted)])
    async def own(
        request: HttpRequest, reader: Who, since: UtcTime, last_event_id: _LastEventId = None
    ) -> AsyncIterator[ServerSentEvent]:
        async def those(ticket_ids: Sequence[str] | None) -> list[Request]:
            found = (
                await read_requests.requests(requesters, reader.person_id, (read.LAST, ""), PAGE)
                if ticket_ids is None
                else await read_requests.some(requesters, reader.person_id, ticket_ids)
            )
            return [view.request(row) for row in found]

        async def theirs(_ticket_ids: Sequence[str]) -> set[str]:
            return set()  # what is theirs belongs to the list

        def write(items: list[Request]) -> str:
            return rows(reader, "portal/rows.html", items)

        shown = List(reader.person_id, portal.session(request), those, theirs, write)
        begin = lists.since(last_event_id, since)
        async for event in lists.events(shown, portal.live, begin, lasting=portal.stream_lasting):
            yield event

    return router
