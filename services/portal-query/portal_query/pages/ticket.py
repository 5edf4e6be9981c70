"""A ticket's page for executors: what happened on it, what is new, and where to say more."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from relato_contracts.fields import UtcTime
from relato_runtime.database import Pool

from portal_query import read, read_about, read_forms, read_offers, streams, view
from portal_query.http import PAGE, CursorText, Portal, TicketId, not_found, page
from portal_query.offers import Offers
from portal_query.pages import chat, news
from portal_query.pages.reader import Reader, Readers
from portal_query.pages.render import Pages
from portal_query.read import Asked
from portal_query.read_forms import Catalogue
from portal_query.shapes import Entry, EntryKind, Mail, Ticket
from portal_query.streams import DeskSource, Event, Position, Reading, Settings, Write
from portal_query.together import Together

_TICKET = "/desk/tickets/{ticket_id}"
_EXECUTION: tuple[EntryKind, ...] = ("occurrence", "message")
"""What *Execução* shows; the rest is in the history."""


@dataclass(frozen=True, slots=True)
class Present:
    """A ticket as it is, and what its reader can do there."""

    ticket: Ticket
    may: Offers


@dataclass(frozen=True, slots=True)
class Opened:
    """A stream that may begin."""

    reader: Reader
    began: Present
    position: Position
    settings: str
    session: str | None


def routes(portal: Portal, pages: Pages, readers: Readers, pool: Pool) -> APIRouter:
    """The page of one ticket and what it loads; ``pool`` is of the role that reads for executors."""
    router = APIRouter(include_in_schema=False)
    Who = Annotated[Reader, Depends(readers.of)]

    @router.get(_TICKET)
    async def ticket(request: Request, reader: Who, ticket_id: TicketId) -> Response:
        row = await read.ticket(pool, reader.person_id, ticket_id)
        if row is None:
            raise not_found()
        entries = await _entries(reader, ticket_id, None)
        lines = await chat.of_ticket(portal, pool, reader.person_id, ticket_id)
        return pages.page(
            request,
            reader,
            "ticket/ticket.html",
            ticket=view.ticket(row),
            about=await read_about.ticket(pool, reader.person_id, ticket_id),
            chat=lines,
            chat_mails=await _undecided_chat_mails(pool, ticket_id),
            seen_up_to=news.EVERYTHING,
            presence_seconds=portal.presence.lasting.total_seconds(),
            unread_chat=row["unread"],
            may=await read_offers.offers(pool, reader.person_id, row),
            settings=await read_offers.settings(pool),
            now=reader.now,
            mailing=await read_forms.mailing(pool, row["requester_id"]),
            **entries,
        )

    @router.get(_TICKET + "/entries")
    async def entries(request: Request, reader: Who, ticket_id: TicketId, cursor: CursorText) -> Response:
        """What comes further down; as a page of its own for those without scripts."""
        row = await read.ticket(pool, reader.person_id, ticket_id)
        if row is None:
            raise not_found()
        further = "hx-request" in request.headers
        return pages.page(
            request,
            reader,
            "ticket/entries.html" if further else "ticket/further.html",
            ticket=view.ticket(row),
            may=await read_offers.offers(pool, reader.person_id, row),
            **await _entries(reader, ticket_id, cursor),
        )

    async def _entries(reader: Reader, ticket_id: str, cursor: str | None) -> dict[str, object]:
        of = f"execution {ticket_id}"
        before = read.NEWEST
        if cursor is not None:
            at, version, event_id = portal.cursors.read(of, cursor)
            before = (datetime.fromisoformat(str(at)), int(version), UUID(str(event_id)))
        asked = Asked(_EXECUTION, None, before, PAGE + 1)
        found = await read.history(pool, reader.person_id, ticket_id, asked)
        if found is None:
            raise not_found()
        place = ("recorded_at", "version", "event_id")
        shown = [view.entry(row) for row in found.rows]
        return {
            "found": page(portal.cursors, of, shown, lambda n: tuple(found.rows[n][name] for name in place)),
            "last_version": found.last_version,
            "occurrences_shown": found.occurrences_shown,
            "catalogue": await read_forms.catalogue(pool),
        }

    together = Together(pool)

    async def settings() -> str:
        return await together.once("settings", lambda: read_offers.settings(pool))

    async def catalogue() -> Catalogue:
        return await together.once("catalogue", lambda: read_forms.catalogue(pool))

    async def present(person_id: str, ticket_id: str) -> Present | None:
        row = await read.ticket(pool, person_id, ticket_id)
        if row is None:
            return None
        return Present(view.ticket(row), await read_offers.offers(pool, person_id, row))

    async def opened(  # noqa: PLR0917  # one for each thing that the page says
        request: Request,
        reader: Who,
        ticket_id: TicketId,
        after: Annotated[int, Query(ge=0, le=2**31 - 1)],
        since: UtcTime,
        settings: Annotated[str, Query(max_length=64)],
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> AsyncIterator[Opened]:
        now = await present(reader.person_id, ticket_id)
        if now is None:
            raise not_found()
        position = streams.resumed(last_event_id) or streams.beginning(after, datetime.now(UTC), since)
        with portal.streams.one_of(reader.person_id):
            yield Opened(reader, now, position, settings, portal.session(request))

    @router.get(_TICKET + "/stream", response_class=EventSourceResponse)
    async def stream(opened: Annotated[Opened, Depends(opened)]) -> AsyncIterator[ServerSentEvent]:
        """What is new on the ticket, as HTML in the reader's language."""
        reader, ticket_id = opened.reader, opened.began.ticket["ticket_id"]

        async def renewed() -> Present | None:
            return await present(reader.person_id, ticket_id)

        async def read_up_to() -> int:
            return await portal.chat_read.up_to(reader.person_id, ticket_id)

        source = DeskSource(together, portal.presence, reader.person_id, ticket_id)
        async for event in streams.events(
            source,
            portal.live,
            ticket_id,
            opened.position,
            lasting=portal.stream_lasting,
            write=_writer(pages, opened, renewed, catalogue),
            settings=Settings(opened.settings, settings),
            reading=Reading(reader.person_id, read_up_to),
            session=opened.session,
        ):
            yield event

    return router


async def _undecided_chat_mails(pool: Pool, ticket_id: str) -> list[Mail]:
    mails = [view.mail(row) for row in await read.uncertain_chat_mails(pool, ticket_id)]
    return [each for each in mails if "awaits_decision" in each]


def _writer(
    pages: Pages,
    opened: Opened,
    renewed: Callable[[], Awaitable[Present | None]],
    catalogue: Callable[[], Awaitable[Catalogue]],
) -> Write:
    """What an event says on the page."""
    reader, now, known = opened.reader, opened.began, Catalogue((), (), {}, {})

    async def write(event: Event) -> str:
        nonlocal now, known
        match event.name, event.data:
            case "entry", {"kind": kind} if kind in _EXECUTION:
                entry = cast(Entry, event.data)
                # It may be filed under what is newer than the stream.
                if not known.names(entry.get("category_id"), entry.get("origin_id")):
                    known = await catalogue()
                return pages.fragment(
                    reader,
                    "ticket/new.html",
                    ticket=now.ticket,
                    may=now.may,
                    entry=entry,
                    catalogue=known,
                )
            case "entry", {"kind": "chat"}:
                line = {"entry": event.data, "side": "executor", "seen_up_to": news.EVERYTHING}
                return pages.fragment(reader, "chat/new.html", **line)
            case "presence", {"people": people}:
                others = [each for each in people if each["id"] != reader.person_id]
                return pages.fragment(reader, "presence/desk.html", ticket=now.ticket, people=others)
            case "seen", {"seen_at": seen_at, "up_to_version": up_to}:
                return pages.fragment(reader, "ticket/seen.html", ticket=now.ticket, at=seen_at, up_to=up_to)
            case "entry", {"kind": "action", "version": 0}:
                # It may have another requester or group; who no longer sees it is told nothing after this.
                now = await renewed() or now
                return pages.fragment(reader, "ticket/changed.html")
            case "mail", _:
                return pages.fragment(reader, "ticket/mail.html", outcome=event.data, may=now.may)
            case "read", up_to:
                return str(up_to)
            case "settings", settings:
                return pages.fragment(reader, "settings.html", known=settings)
            case _:
                return ""

    return write
