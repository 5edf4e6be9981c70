"""What stood on a ticket at a moment, for operators: all of it, or what its requester could see then."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from relato_contracts.fields import UtcTime
from relato_runtime.caller import Caller
from relato_runtime.database import Pool
from relato_runtime.operators_http import Operator

from portal_query import read, read_administration, shapes, view
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

        What a requester could see comes in their own shapes, which have no field for what is internal.
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
        rows = [folded(row) for row in found.rows]
        off = await _off(self.pool, moment) if seen_by == "requester" else frozenset()
        place = ("recorded_at", "version", "event_id")
        shown = page(self.cursors, of, rows, lambda n: tuple(found.rows[n][name] for name in place))
        shown["items"] = (
            [view.entry(row) for row in rows[:PAGE]]
            if seen_by == "everybody"
            else [entry for row in rows[:PAGE] if (entry := to_requester(row, off)) is not None]
        )
        return shown


async def _off(pool: Pool, moment: datetime) -> frozenset[int]:
    """The switches that are known to have been off at a moment: they are, and have not been changed since.

    Parameters keep no past: what was changed later may have been on, and then hides nothing.
    """
    known = {row["number"]: row for row in await read_administration.parameters(pool)}
    return frozenset(number for number in (298, 299, 316, 371) if _was_off(known.get(number), moment))


def _was_off(parameter: view.Row | None, moment: datetime) -> bool:
    if parameter is None:
        return True
    changed_at: datetime | None = parameter["changed_at"]
    return parameter["value"] != "S" and (changed_at is None or changed_at <= moment)


def to_requester(row: Mapping[str, Any], off: frozenset[int]) -> shapes.RequestEntry | None:
    """Pure: an entry as its requester was shown it, with these switches off; None for what they were not."""
    match row["kind"]:
        case "occurrence":
            if not row["visible_to_requester"] or row["retracted"] or 298 in off:
                return None
            said = {
                "current_version": row["shown_version"],
                "happened_at": row["occurred_at"],
                "solution_html": None if 371 in off else row["solution_html"],
                "corrected": row["shown_corrected"],
            }
            return view.request_entry({**row, **said})
        case "message":
            html = json.loads(row["data"])["text_html"]
            shown = {**row, "current_version": row["version"], "description_html": html}
            return None if 299 in off else view.request_entry(shown)
        case _:
            line = json.loads(row["data"])
            return (
                None if 316 in off else view.request_entry({**row, **line, "current_version": row["version"]})
            )


def routes(past: Past, who: Operator) -> APIRouter:
    """The route ``/api/operate/histories/{ticket_id}``."""
    router = APIRouter(prefix="/api/operate/histories", tags=["histories"])

    @router.get(
        "/{ticket_id}",
        **documented(
            shapes.Page[shapes.Entry] | shapes.Page[shapes.RequestEntry],
            status_403="Not an operator",
            status_404="No such ticket",
        ),
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
