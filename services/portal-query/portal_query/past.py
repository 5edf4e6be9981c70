"""What stood on a ticket at a moment, for operators: all of it, or what its requester could see then."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from relato_contracts.fields import UtcTime
from relato_runtime.auth import Caller
from relato_runtime.database import Pool
from relato_runtime.operators_http import Operator

from portal_query import read, shapes, view
from portal_query.as_of import as_of as folded
from portal_query.cursor import Cursors
from portal_query.http import PAGE, CursorText, TicketId, answer, documented, not_found, page
from portal_query.read import Asked
from portal_query.shapes import EntryKind

SeenBy = Literal["everybody", "requester"]
_EVERYTHING: tuple[EntryKind, ...] = ("occurrence", "message", "chat", "mail", "action")
_TO_REQUESTERS: tuple[EntryKind, ...] = ("occurrence", "message", "chat")


@dataclass(frozen=True, slots=True)
class Past:
    """The histories of all tickets, as they stood."""

    pool: Pool
    cursors: Cursors

    async def entries(
        self, ticket_id: str, as_of: datetime | None, seen_by: SeenBy, cursor: str | None
    ) -> dict[str, object] | None:
        """A page of a ticket's history as it stood, newest first; None where there is no such ticket.

        Whether parameters let the requester see notes or chat at that time is not known and not asked.
        """
        moment = as_of or datetime.now(UTC)
        kinds = _TO_REQUESTERS if seen_by == "requester" else _EVERYTHING
        before = (moment, *read.NEWEST[1:])
        of = Asked(kinds, None, before, PAGE + 1, as_of).named(f"past {ticket_id}")
        if cursor is not None:
            at, version, event_id = self.cursors.read(of, cursor)
            before = min(before, (datetime.fromisoformat(str(at)), int(version), UUID(str(event_id))))
        asked = Asked(kinds, None, before, PAGE + 1, moment)
        found = await read.everything_then(self.pool, ticket_id, asked)
        if found is None:
            return None
        entries = [view.entry(folded(row)) for row in found.rows]
        place = ("recorded_at", "version", "event_id")
        shown = page(self.cursors, of, entries, lambda n: tuple(found.rows[n][name] for name in place))
        if seen_by == "requester":
            shown["items"] = [each for each in entries[:PAGE] if to_requester(each)]
        return shown


def to_requester(entry: shapes.Entry) -> bool:
    """Whether a requester is shown an entry as it stood."""
    if entry["kind"] != "occurrence":
        return True
    return bool(entry["visible_to_requester"]) and not entry.get("retracted")


def routes(past: Past, who: Operator) -> APIRouter:
    """The route ``/api/operate/histories/{ticket_id}``."""
    router = APIRouter(prefix="/api/operate/histories", tags=["histories"])

    @router.get(
        "/{ticket_id}",
        **documented(shapes.Page[shapes.Entry], status_403="Not an operator", status_404="No such ticket"),
    )
    async def history_as_it_stood(
        request: Request,
        _who: Annotated[Caller, Depends(who)],
        ticket_id: TicketId,
        as_of: Annotated[UtcTime | None, Query(description="The history as it stood then.")] = None,
        seen_by: Annotated[SeenBy, Query(description="Only what they could see.")] = "everybody",
        cursor: CursorText = None,
    ) -> Response:
        """What stood on a ticket at a moment, or stands now, newest first."""
        shown = await past.entries(ticket_id, as_of, seen_by, cursor)
        if shown is None:
            raise not_found()
        return answer(request, shown)

    return router
