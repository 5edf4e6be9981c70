"""The routes of executors about the whole history of a ticket."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from relato_contracts.fields import Id, UtcTime
from relato_runtime.caller import Caller
from relato_runtime.database import Pool

from portal_query import read, shapes, view
from portal_query.as_of import as_of as folded
from portal_query.http import (
    PAGE,
    CursorText,
    MinVersion,
    Portal,
    Search,
    TicketId,
    answer,
    chat_disabled,
    documented,
    not_found,
    page,
)
from portal_query.read import Asked
from portal_query.shapes import EntryKind

_TICKET = "/tickets/{ticket_id}"
_KINDS: tuple[EntryKind, ...] = ("occurrence", "message", "mail", "action")


def routes(portal: Portal, pool: Pool) -> APIRouter:
    """The routes below ``/api/portal/tickets/…``; ``pool`` is of the role that reads for executors."""
    router = APIRouter(prefix="/api/portal", tags=["desk"])
    Who = Annotated[Caller, Depends(portal.caller)]

    @router.get(
        _TICKET + "/history",
        **documented(
            shapes.Page[shapes.Entry], status_404="No such ticket", status_409="Chat is switched off"
        ),
    )
    async def history(  # noqa: PLR0917  # one for each parameter of the query
        request: Request,
        who: Who,
        ticket_id: TicketId,
        kind: Annotated[list[EntryKind] | None, Query()] = None,
        q: Search = None,
        author: Annotated[Id | None, Query(description="Whose entries alone.")] = None,
        as_of: Annotated[UtcTime | None, Query(description="The history as it stood then.")] = None,
        cursor: CursorText = None,
        min_version: MinVersion = None,
    ) -> Response:
        """All that happened on a ticket, newest first; chat only when it is asked for."""
        before = read.NEWEST if as_of is None else (as_of, *read.NEWEST[1:])
        asked = Asked(kind or _KINDS, (q or "").strip() or None, before, PAGE + 1, as_of, author)
        of = asked.named(f"history {ticket_id}")
        if cursor is not None:
            at, version, event_id = portal.cursors.read(of, cursor)
            after = (datetime.fromisoformat(str(at)), int(version), UUID(str(event_id)))
            asked = replace(asked, before=min(before, after))
        found = await portal.at_version(
            ticket_id, min_version, lambda: read.history(pool, who.person_id, ticket_id, asked)
        )
        if "chat" in asked.kinds and not found.chat_enabled:
            raise chat_disabled()
        entries = [view.entry(row if as_of is None else folded(row)) for row in found.rows]
        place = ("recorded_at", "version", "event_id")
        return answer(
            request,
            page(portal.cursors, of, entries, lambda n: tuple(found.rows[n][name] for name in place)),
        )

    @router.get(
        _TICKET + "/chat",
        **documented(
            shapes.Page[shapes.Entry], status_404="No such ticket", status_409="Chat is switched off"
        ),
    )
    async def chat(
        request: Request,
        who: Who,
        ticket_id: TicketId,
        cursor: CursorText = None,
        min_version: MinVersion = None,
    ) -> Response:
        """A ticket's chat, newest first."""
        of = f"chat {ticket_id}"
        before = None if cursor is None else int(portal.cursors.read(of, cursor)[0])
        found = await portal.at_version(
            ticket_id, min_version, lambda: read.chat(pool, who.person_id, ticket_id, before, PAGE + 1)
        )
        if not found.chat_enabled:
            raise chat_disabled()
        lines = [view.chat_line(row) for row in found.rows]
        return answer(request, page(portal.cursors, of, lines, lambda n: (found.rows[n]["version"],)))

    @router.get(
        _TICKET + "/notifications", **documented(shapes.Page[shapes.Mail], status_404="No such ticket")
    )
    async def notifications(
        request: Request, who: Who, ticket_id: TicketId, cursor: CursorText = None
    ) -> Response:
        """What became of a ticket's mails, latest first."""
        of = f"mails {ticket_id}"
        before = None
        if cursor is not None:
            at, mail_id = portal.cursors.read(of, cursor)
            before = (datetime.fromisoformat(str(at)), UUID(str(mail_id)))
        found = await read.mails(pool, who.person_id, ticket_id, before, PAGE + 1)
        if found is None:
            raise not_found()
        mails = [view.mail(row) for row in found.rows]
        return answer(
            request,
            page(portal.cursors, of, mails, lambda n: (found.rows[n]["at"], found.rows[n]["mail_id"])),
        )

    return router
