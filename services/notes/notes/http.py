"""Commands about occurrences over HTTP: a request becomes a command, an error becomes a problem."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Request
from fastapi.responses import JSONResponse
from relato_contracts.fields import Id
from relato_runtime.caller import Caller
from uuid6 import uuid7

from notes import bodies, commands, text
from notes.asking import Asking, asked
from notes.requests import body, expected_version

TicketId = Annotated[Id, Path()]
OccurrenceId = Annotated[UUID, Path()]
_OCCURRENCES = "/tickets/{ticket_id}/occurrences"
_OCCURRENCE = _OCCURRENCES + "/{occurrence_id}"
_MADE = ("occurrence_id", "notification")
_HELD = ("release_at",)


def add_routes(asking: Asking) -> None:
    """Add the routes below ``/api/notes/tickets/…/occurrences``."""
    Who = Annotated[Caller, Depends(asking.caller)]

    @asking.post(_OCCURRENCES, bodies.OccurrenceBody, *_MADE, perhaps=_HELD)
    async def record_occurrence(request: Request, who: Who, ticket_id: TicketId) -> JSONResponse:
        """Record what happened; internal unless said otherwise."""
        given = await body(request, bodies.OccurrenceBody)
        command = commands.RecordOccurrence(
            *asked(ticket_id, who),
            occurrence_id=UUID(str(uuid7())),
            description=text.read(given.description_html),
            occurred_at=given.occurred_at,
            time_spent_minutes=given.time_spent_minutes,
            solution=_rich(given.solution_html),
            category_id=given.category_id,
            origin_id=given.origin_id,
            channel=given.channel,
            visible_to_requester=given.visible_to_requester,
            notify_by_email=given.notify_by_email,
            hold_seconds=given.hold_seconds,
        )
        return await asking.answer(request, given, command)

    @asking.post(_OCCURRENCE + "/corrections", bodies.CorrectionBody, *_MADE, perhaps=_HELD, versioned=True)
    async def correct_occurrence(
        request: Request, who: Who, ticket_id: TicketId, occurrence_id: OccurrenceId
    ) -> JSONResponse:
        """Say it differently; the earlier text stays in the audit trail."""
        given = await body(request, bodies.CorrectionBody)
        command = commands.CorrectOccurrence(
            *asked(ticket_id, who),
            occurrence_id=occurrence_id,
            expected_version=expected_version(request),
            description=_rich(given.description_html),
            occurred_at=given.occurred_at,
            time_spent_minutes=given.time_spent_minutes,
            solution=_rich(given.solution_html),
            category_id=given.category_id,
            origin_id=given.origin_id,
            reason=given.reason,
        )
        return await asking.answer(request, given, command)

    @asking.post(_OCCURRENCE + "/solution", bodies.SolutionBody, *_MADE, perhaps=_HELD, versioned=True)
    async def solve_occurrence(
        request: Request, who: Who, ticket_id: TicketId, occurrence_id: OccurrenceId
    ) -> JSONResponse:
        """Give an occurrence its solution."""
        given = await body(request, bodies.SolutionBody)
        command = commands.SolveOccurrence(
            *asked(ticket_id, who),
            occurrence_id=occurrence_id,
            expected_version=expected_version(request),
            solution=text.read(given.solution_html),
            time_spent_minutes=given.time_spent_minutes,
            reason=given.reason,
        )
        return await asking.answer(request, given, command)

    @asking.post(_OCCURRENCE + "/retraction", bodies.RetractionBody, *_MADE, versioned=True)
    async def retract_occurrence(
        request: Request, who: Who, ticket_id: TicketId, occurrence_id: OccurrenceId
    ) -> JSONResponse:
        """Take back what should not have been recorded."""
        given = await body(request, bodies.RetractionBody)
        command = commands.RetractOccurrence(
            *asked(ticket_id, who),
            occurrence_id=occurrence_id,
            expected_version=expected_version(request),
            reason=given.reason,
        )
        return await asking.answer(request, given, command)

    @asking.post(_OCCURRENCE + "/visibility", bodies.VisibilityBody, *_MADE, perhaps=_HELD, versioned=True)
    async def change_visibility(
        request: Request, who: Who, ticket_id: TicketId, occurrence_id: OccurrenceId
    ) -> JSONResponse:
        """Show an occurrence to the requester, or hide it from them."""
        given = await body(request, bodies.VisibilityBody)
        command = commands.ChangeVisibility(
            *asked(ticket_id, who),
            occurrence_id=occurrence_id,
            expected_version=expected_version(request),
            visible_to_requester=given.visible_to_requester,
            notify_by_email=given.notify_by_email,
            reason=given.reason,
            hold_seconds=given.hold_seconds,
        )
        return await asking.answer(request, given, command)

    @asking.post(_OCCURRENCE + "/undo", bodies.UndoBody, *_MADE, optional=True)
    async def undo_sending(
        request: Request, who: Who, ticket_id: TicketId, occurrence_id: OccurrenceId
    ) -> JSONResponse:
        """Do not show what is held back; what was recorded so is retracted."""
        given = await body(request, bodies.UndoBody, or_none=True)
        command = commands.UndoSending(
            *asked(ticket_id, who), occurrence_id=occurrence_id, expected_version=None
        )
        return await asking.answer(request, given, command)


def _rich(html: str | None) -> text.RichText | None:
    return None if html is None else text.read(html)
