"""The requester's pages: their tickets, and of each what they may see."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from relato_contracts.fields import UtcTime
from relato_runtime.database import Pool

from portal_query import read, read_requests, streams, view
from portal_query.http import PAGE, CursorText, Portal, TicketId, not_found, page
from portal_query.pages import chat, news
from portal_query.pages.reader import Reader, Readers
from portal_query.pages.render import Pages
from portal_query.streams import Event, Position, RequestSource, Settings, Write

_REQUEST = "/portal/requests/{ticket_id}"


@dataclass(frozen=True, slots=True)
class Opened:
    """A stream that may begin."""

    reader: Reader
    ticket_id: str
    position: Position
    settings: str
    session: str | None


def routes(portal: Portal, pages: Pages, readers: Readers, pool: Pool) -> APIRouter:
    """The pages below ``/portal``; ``pool`` is of the role that cannot read anything internal."""
    router = APIRouter(include_in_schema=False)
    Who = Annotated[Reader, Depends(readers.of)]

    @router.get("/portal")
    async def mine(request: Request, reader: Who, cursor: CursorText = None) -> Response:
        before = (read.LAST, "")
        if cursor is not None:
            at, ticket_id = portal.cursors.read("requests", cursor)
            before = (datetime.fromisoformat(str(at)), str(ticket_id))
        rows = await read_requests.requests(pool, reader.person_id, before, PAGE + 1)
        found = page(
            portal.cursors,
            "requests",
            [view.request(row) for row in rows],
            lambda n: (rows[n]["last_activity_at"], rows[n]["ticket_id"]),
        )
        further = cursor is not None and "hx-request" in request.headers
        template = "portal/rows.html" if further else "portal/mine.html"
        return pages.page(request, reader, template, found=found, now=reader.now)

    @router.get(_REQUEST)
    async def request_page(request: Request, reader: Who, ticket_id: TicketId) -> Response:
        row = await read_requests.request(pool, reader.person_id, ticket_id)
        if row is None:
            raise not_found()
        lines = await chat.of_request(portal, pool, reader.person_id, ticket_id)
        entries = await _entries(reader, ticket_id, None)
        shown = [*entries["items"], *(lines["items"] if lines else ())]
        seen_up_to = news.seen_up_to(shown, reader.person_id, row["unread"])
        return pages.page(
            request,
            reader,
            "portal/request.html",
            chat=lines,
            presence_seconds=portal.presence.lasting.total_seconds(),
            unread_chat=chat.unread(lines, seen_up_to),
            ticket=view.request(row),
            description=await read_requests.description(pool, reader.person_id, ticket_id),
            may=await read_requests.offers(pool, row["status"]),
            settings=await read_requests.settings(pool),
            now=reader.now,
            catalogue=await read_requests.catalogue(pool),
            found=entries,
            seen_up_to=seen_up_to,
        )

    @router.get(_REQUEST + "/entries")
    async def entries(request: Request, reader: Who, ticket_id: TicketId, cursor: CursorText) -> Response:
        """What comes further down; as a page of its own for those without scripts."""
        row = await read_requests.request(pool, reader.person_id, ticket_id)
        if row is None:
            raise not_found()
        further = "hx-request" in request.headers
        return pages.page(
            request,
            reader,
            "portal/entries.html" if further else "portal/further.html",
            ticket=view.request(row),
            found=await _entries(reader, ticket_id, cursor),
            seen_up_to=news.EVERYTHING,
        )

    async def _entries(reader: Reader, ticket_id: str, cursor: str | None) -> dict[str, Any]:
        of = f"my history {ticket_id}"
        before = None if cursor is None else int(portal.cursors.read(of, cursor)[0])
        found = await read_requests.history(pool, reader.person_id, ticket_id, before, PAGE + 1)
        if found is None:
            raise not_found()
        shown = [view.request_entry(row) for row in found.rows]
        return page(portal.cursors, of, shown, lambda n: (found.rows[n]["version"],))

    async def opened(  # noqa: PLR0917  # one for each thing that the page says
        request: Request,
        reader: Who,
        ticket_id: TicketId,
        after: Annotated[int, Query(ge=0, le=2**31 - 1)],
        since: UtcTime,
        settings: Annotated[str, Query(max_length=64)],
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> AsyncIterator[Opened]:
        if await read_requests.request(pool, reader.person_id, ticket_id) is None:
            raise not_found()
        position = streams.resumed(last_event_id) or streams.beginning(after, datetime.now(UTC), since)
        with portal.streams.one_of(reader.person_id):
            yield Opened(reader, ticket_id, position, settings, portal.session(request))

    @router.get(_REQUEST + "/stream", response_class=EventSourceResponse)
    async def stream(opened: Annotated[Opened, Depends(opened)]) -> AsyncIterator[ServerSentEvent]:
        """What is new for the requester, as HTML in their language."""

        write = _writer(pages, opened.reader)
        source = RequestSource(pool, portal.presence, opened.reader.person_id, opened.ticket_id)
        async for event in streams.events(
            source,
            portal.live,
            opened.ticket_id,
            opened.position,
            lasting=portal.stream_lasting,
            write=write,
            settings=Settings(opened.settings, lambda: read_requests.settings(pool)),
            session=opened.session,
        ):
            yield event

    return router


def _writer(pages: Pages, reader: Reader) -> Write:
    """What an event says on the page."""

    def fragment(template: str, **context: object) -> str:
        return pages.fragment(reader, template, seen_up_to=news.NOTHING, **context)

    async def write(event: Event) -> str:
        match event.name, event.data:
            case "entry", {"kind": "occurrence" | "message"}:
                return fragment("portal/new.html", entry=event.data)
            case "entry", {"kind": "chat"}:
                return fragment("chat/new.html", entry=event.data, side="requester")
            case "gone", {"occurrence_id": occurrence_id}:
                return fragment("portal/gone.html", occurrence_id=occurrence_id)
            case "presence", {"attendant": attendant}:
                return fragment("presence/portal.html", attendant=attendant)
            case "settings", known:
                return fragment("settings.html", known=known)
            case "ticket", _:
                return fragment("ticket/changed.html")
            case _:
                return ""

    return write
