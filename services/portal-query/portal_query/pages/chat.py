"""Chat on the pages of both sides: the lines that there are, oldest first, and what is new for whom."""

from collections.abc import Sequence
from typing import Annotated, TypedDict

from fastapi import APIRouter, Depends, Request, Response
from relato_runtime.database import Pool

from portal_query import read, read_requests, view
from portal_query.http import PAGE, CursorText, Portal, TicketId, chat_disabled, not_found, page
from portal_query.pages import news
from portal_query.pages.reader import Reader, Readers
from portal_query.pages.render import Pages
from portal_query.read import Rows
from portal_query.shapes import Entry, RequestEntry

Line = Entry | RequestEntry


class Lines(TypedDict):
    """Lines of a chat, oldest first; those before them, if there are any, come with the cursor."""

    items: Sequence[Line]
    next_cursor: str | None


async def of_ticket(
    portal: Portal, pool: Pool, person_id: str, ticket_id: str, cursor: str | None = None
) -> Lines | None:
    """A ticket's latest lines, or those before a cursor; None while chat is switched off."""
    of = f"chat {ticket_id}"
    found = await read.chat(pool, person_id, ticket_id, _before(portal, of, cursor), PAGE + 1)
    return _lines(portal, of, found, [view.chat_line(row) for row in found.rows] if found else [])


async def of_request(
    portal: Portal, pool: Pool, person_id: str, ticket_id: str, cursor: str | None = None
) -> Lines | None:
    """The same of a requester's own ticket."""
    of = f"my chat {ticket_id}"
    found = await read_requests.chat(pool, person_id, ticket_id, _before(portal, of, cursor), PAGE + 1)
    return _lines(portal, of, found, [view.request_entry(row) for row in found.rows] if found else [])


def unread(lines: Lines | None, seen_up_to: int) -> int:
    """How many of the attendants' lines the requester has not seen: those that stand above the history."""
    items = lines["items"] if lines else ()
    return sum(line["sender"] != "requester" and line["version"] > seen_up_to for line in items)


def routes(portal: Portal, pages: Pages, readers: Readers, executors: Pool, requesters: Pool) -> APIRouter:
    """The addresses of earlier lines: for scripts, and as pages of their own for those without."""
    router = APIRouter(include_in_schema=False)
    Who = Annotated[Reader, Depends(readers.of)]

    def answered(request: Request, reader: Reader, found: Lines | None, **about: str) -> Response:
        if found is None:
            raise chat_disabled()
        template = "chat/lines.html" if "hx-request" in request.headers else "chat/further.html"
        return pages.page(request, reader, template, chat=found, seen_up_to=news.EVERYTHING, **about)

    @router.get("/desk/tickets/{ticket_id}/chat")
    async def desk(request: Request, reader: Who, ticket_id: TicketId, cursor: CursorText = None) -> Response:
        row = await read.ticket(executors, reader.person_id, ticket_id)
        if row is None:
            raise not_found()
        found = await of_ticket(portal, executors, reader.person_id, ticket_id, cursor)
        address = f"/desk/tickets/{ticket_id}"
        return answered(request, reader, found, address=address, title=row["title"], side="executor")

    @router.get("/portal/requests/{ticket_id}/chat")
    async def own(request: Request, reader: Who, ticket_id: TicketId, cursor: CursorText = None) -> Response:
        row = await read_requests.request(requesters, reader.person_id, ticket_id)
        if row is None:
            raise not_found()
        found = await of_request(portal, requesters, reader.person_id, ticket_id, cursor)
        address = f"/portal/requests/{ticket_id}"
        return answered(request, reader, found, address=address, title=row["title"], side="requester")

    return router


def _before(portal: Portal, of: str, cursor: str | None) -> int | None:
    return None if cursor is None else int(portal.cursors.read(of, cursor)[0])


def _lines(portal: Portal, of: str, found: Rows | None, newest_first: list[Line]) -> Lines | None:
    if found is None:
        raise not_found()
    if not found.chat_enabled:
        return None
    part = page(portal.cursors, of, newest_first, lambda n: (found.rows[n]["version"],))
    cursor = part["next_cursor"]
    return Lines(
        items=newest_first[:PAGE][::-1],
        next_cursor=None if cursor is None else str(cursor),
    )
