"""The lists of both sides while they are looked at: what changes comes as rows, as their page has them."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
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


def routes(portal: Portal, pages: Pages, readers: Readers, executors: Pool, requesters: Pool) -> APIRouter:
    """The streams of ``/desk`` and ``/portal``; ``since`` is when the page was made."""
    router = APIRouter(include_in_schema=False)
    Who = Annotated[Reader, Depends(readers.of)]

    def rows(reader: Reader, template: str, items: Sequence[object]) -> str:
        found = {"items": items, "next_cursor": None}
        return pages.fragment(replace(reader, now=datetime.now(UTC)), template, found=found)

    def executor(reader: Who) -> Reader:
        if not reader.has_desk:
            raise not_found()
        return reader

    @router.get("/desk/stream", response_class=EventSourceResponse)
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
            filters = replace(asked.filters, ticket_ids=ticket_ids)
            limit = PAGE if ticket_ids is None else len(ticket_ids)
            found = await read.tickets(executors, reader.person_id, filters, (read.LAST, ""), limit)
            return [view.ticket(row) for row in found]

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

    @router.get("/portal/stream", response_class=EventSourceResponse)
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
