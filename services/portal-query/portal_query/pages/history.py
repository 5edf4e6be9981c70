"""A ticket's whole history for executors: every fact, also as it stood at a moment, and the chat."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from relato_runtime.database import Pool

from portal_query import read, read_forms, view
from portal_query.as_of import as_of as folded
from portal_query.http import PAGE, CursorText, Filter, Portal, Search, TicketId, not_found, page
from portal_query.offers import Offers
from portal_query.pages.reader import Reader, Readers
from portal_query.pages.render import Pages
from portal_query.read import Asked
from portal_query.shapes import Entry, EntryKind
from portal_query.told import told

_NOTHING = Offers(
    person_id="",
    may_execute=False,
    may_comment=False,
    is_requester=False,
    closed=True,
    occurrences_enabled=False,
    messages_enabled=False,
    chat_enabled=False,
)
"""A history is read."""
_ALL: tuple[EntryKind, ...] = ("occurrence", "message", "mail", "action")


@dataclass(frozen=True, slots=True)
class Form:
    """What is asked for, as it was sent; an empty field asks for everything."""

    kind: str
    q: str
    as_of: str
    author: str

    @property
    def query(self) -> str:
        """The form in an address."""
        return urlencode(asdict(self))

    def kinds(self) -> Sequence[EntryKind]:
        """The kinds of entries that are shown."""
        return tuple(each for each in _ALL if each == self.kind) or _ALL


def _ids(entries: Sequence[Entry]) -> list[str]:
    """What changes say by id."""
    changes = [each for entry in entries for each in entry.get("changes", {}).values()]
    return [
        value
        for each in changes
        if isinstance(each, dict) and "from" in each
        for value in each.values()
        if isinstance(value, str)
    ]


def _subjects(entries: Sequence[Entry]) -> set[UUID]:
    """What mails and changes are about."""
    return {
        each["subject_id"] for each in entries if each["kind"] in {"mail", "action"} and "subject_id" in each
    }


def _further(request: Request) -> bool:
    """Whether a page asks by itself for what comes next."""
    return "hx-request" in request.headers


def routes(portal: Portal, pages: Pages, readers: Readers, pool: Pool) -> APIRouter:
    """The page; ``pool`` is of the role that reads for executors."""
    router = APIRouter(include_in_schema=False)
    Who = Annotated[Reader, Depends(readers.of)]

    @router.get("/desk/tickets/{ticket_id}/history")
    async def history(  # noqa: PLR0917  # one for each field of the form
        request: Request,
        reader: Who,
        ticket_id: TicketId,
        kind: str = "",
        q: Search = None,
        as_of: Annotated[str, Query(max_length=40)] = "",
        author: Filter = "",
        cursor: CursorText = None,
    ) -> Response:
        row = await read.ticket(pool, reader.person_id, ticket_id)
        form = Form(kind, (q or "").strip(), as_of, author)
        moment = reader.moment(form.as_of)
        before = read.NEWEST if moment is None else (moment, *read.NEWEST[1:])
        asked = Asked(form.kinds(), form.q or None, before, PAGE + 1, moment, author or None)
        of = asked.named(f"history page {ticket_id}")
        if cursor is not None:
            at, version, event_id = portal.cursors.read(of, cursor)
            after = (datetime.fromisoformat(str(at)), int(version), UUID(str(event_id)))
            asked = replace(asked, before=min(before, after))
        found = await read.history(pool, reader.person_id, ticket_id, asked)
        if row is None or found is None:
            raise not_found()
        shown = [view.entry(each if moment is None else folded(each)) for each in found.rows]
        place = ("recorded_at", "version", "event_id")
        further = _further(request)
        return pages.page(
            request,
            reader,
            "ticket/facts.html" if further else "ticket/history.html",
            ticket=view.ticket(row),
            tab="ticket",
            form=form,
            chat_enabled=found.chat_enabled,
            found=page(portal.cursors, of, shown, lambda n: tuple(found.rows[n][name] for name in place)),
            may=_NOTHING,
            authors=() if further else await read.authors(pool, reader.person_id, ticket_id),
            catalogue=await read_forms.catalogue(pool),
            names=await read_forms.names(pool, _ids(shown)),
            told=told(await read.about(pool, reader.person_id, ticket_id, _subjects(shown))),
        )

    @router.get("/desk/tickets/{ticket_id}/history/chat")
    async def chat(request: Request, reader: Who, ticket_id: TicketId, cursor: CursorText = None) -> Response:
        row = await read.ticket(pool, reader.person_id, ticket_id)
        of = f"history chat {ticket_id}"
        before = None if cursor is None else int(portal.cursors.read(of, cursor)[0])
        found = await read.chat(pool, reader.person_id, ticket_id, before, PAGE + 1)
        if row is None or found is None or not found.chat_enabled:
            raise not_found()
        lines = [view.chat_line(each) for each in found.rows]
        return pages.page(
            request,
            reader,
            "ticket/lines.html" if _further(request) else "ticket/history.html",
            ticket=view.ticket(row),
            tab="chat",
            form=Form("", "", "", ""),
            chat_enabled=True,
            found=page(portal.cursors, of, lines, lambda n: (found.rows[n]["version"],)),
        )

    return router
