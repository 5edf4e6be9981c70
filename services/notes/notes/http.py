"""Commands over HTTP: a request becomes a command, an error becomes a problem."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import JSONResponse
from relato_contracts.fields import Id
from relato_runtime.auth import Authenticator, Caller
from relato_runtime.http import RateLimit
from relato_runtime.problems import Problem
from relato_runtime.telemetry import current_traceparent
from uuid6 import uuid7

from notes import bodies, commands, errors, text
from notes.commands import AnyCommand
from notes.commit import Committer
from notes.handle import Request as CommandRequest
from notes.requests import body, documented, expected_version, idempotency, problems, recorded

TicketId = Annotated[Id, Path()]
OccurrenceId = Annotated[UUID, Path()]
_TICKET = "/tickets/{ticket_id}"
_OCCURRENCE = _TICKET + "/occurrences/{occurrence_id}"
_PROBLEMS = problems(401, 403, 404, 409, 412, 413, 415, 422, 429, 503)


def routes(committer: Committer, authenticate: Authenticator, limit: RateLimit) -> APIRouter:
    """The routes of commands, below ``/api/notes``."""
    router = APIRouter(prefix="/api/notes", tags=["commands"])

    async def caller(request: Request) -> Caller:
        who = await authenticate(request)
        limit.spend(who.person_id)
        return who

    Who = Annotated[Caller, Depends(caller)]

    def post(
        path: str, model: type[bodies.Body], *made: str, versioned: bool = False
    ) -> Callable[[Callable[..., Awaitable[JSONResponse]]], Callable[..., Awaitable[JSONResponse]]]:
        return router.post(
            path,
            status_code=201,
            responses={**recorded(*made), **_PROBLEMS},
            response_model=None,
            openapi_extra=documented(model, versioned=versioned),
        )

    async def answer(request: Request, given: bodies.Body, command: AnyCommand) -> JSONResponse:
        key, digest = idempotency(request, given)
        correlation_id = str(uuid7())
        try:
            response = await committer.commit(
                CommandRequest(command, correlation_id, current_traceparent(), key, digest)
            )
        except errors.Invalid as refusal:
            raise Problem(422, refusal.code, refusal.detail, errors=refusal.errors) from refusal
        except errors.Refused as refusal:
            raise Problem(refusal.status, refusal.code, refusal.detail) from refusal
        nothing_new = response.get("recorded") is False
        return JSONResponse(dict(response), 200 if nothing_new else 201)

    @post(_TICKET + "/occurrences", bodies.OccurrenceBody, "occurrence_id", "notification")
    async def record_occurrence(request: Request, who: Who, ticket_id: TicketId) -> JSONResponse:
        """Record what happened; internal unless said otherwise."""
        given = await body(request, bodies.OccurrenceBody)
        command = commands.RecordOccurrence(
            *_asked(ticket_id, who),
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
        )
        return await answer(request, given, command)

    @post(
        _OCCURRENCE + "/corrections", bodies.CorrectionBody, "occurrence_id", "notification", versioned=True
    )
    async def correct_occurrence(
        request: Request, who: Who, ticket_id: TicketId, occurrence_id: OccurrenceId
    ) -> JSONResponse:
        """Say it differently; the earlier text stays in the audit trail."""
        given = await body(request, bodies.CorrectionBody)
        command = commands.CorrectOccurrence(
            *_asked(ticket_id, who),
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
        return await answer(request, given, command)

    @post(_OCCURRENCE + "/solution", bodies.SolutionBody, "occurrence_id", "notification", versioned=True)
    async def solve_occurrence(
        request: Request, who: Who, ticket_id: TicketId, occurrence_id: OccurrenceId
    ) -> JSONResponse:
        """Give an occurrence its solution."""
        given = await body(request, bodies.SolutionBody)
        command = commands.SolveOccurrence(
            *_asked(ticket_id, who),
            occurrence_id=occurrence_id,
            expected_version=expected_version(request),
            solution=text.read(given.solution_html),
            time_spent_minutes=given.time_spent_minutes,
        )
        return await answer(request, given, command)

    @post(_OCCURRENCE + "/retraction", bodies.RetractionBody, "occurrence_id", "notification", versioned=True)
    async def retract_occurrence(
        request: Request, who: Who, ticket_id: TicketId, occurrence_id: OccurrenceId
    ) -> JSONResponse:
        """Take back what should not have been recorded."""
        given = await body(request, bodies.RetractionBody)
        command = commands.RetractOccurrence(
            *_asked(ticket_id, who),
            occurrence_id=occurrence_id,
            expected_version=expected_version(request),
            reason=given.reason,
        )
        return await answer(request, given, command)

    @post(_OCCURRENCE + "/visibility", bodies.VisibilityBody, "occurrence_id", "notification", versioned=True)
    async def change_visibility(
        request: Request, who: Who, ticket_id: TicketId, occurrence_id: OccurrenceId
    ) -> JSONResponse:
        """Show an occurrence to the requester, or hide it from them."""
        given = await body(request, bodies.VisibilityBody)
        command = commands.ChangeVisibility(
            *_asked(ticket_id, who),
            occurrence_id=occurrence_id,
            expected_version=expected_version(request),
            visible_to_requester=given.visible_to_requester,
            notify_by_email=given.notify_by_email,
            reason=given.reason,
        )
        return await answer(request, given, command)

    @post(_TICKET + "/messages", bodies.MessageBody, "message_id", "notification")
    async def send_message(request: Request, who: Who, ticket_id: TicketId) -> JSONResponse:
        """Write to the requester; as the requester, write to whoever executes the ticket."""
        given = await body(request, bodies.MessageBody)
        command = commands.SendMessage(
            *_asked(ticket_id, who),
            message_id=UUID(str(uuid7())),
            text=text.read(given.text_html),
            notify_by_email=given.notify_by_email,
        )
        return await answer(request, given, command)

    @post(_TICKET + "/chat", bodies.ChatBody, "message_id")
    async def post_chat(request: Request, who: Who, ticket_id: TicketId) -> JSONResponse:
        """Say something in the ticket's chat."""
        given = await body(request, bodies.ChatBody)
        command = commands.PostChat(
            *_asked(ticket_id, who),
            message_id=UUID(str(uuid7())),
            text=given.text,
        )
        return await answer(request, given, command)

    @post(_TICKET + "/views", bodies.ViewBody, "recorded")
    async def mark_viewed(request: Request, who: Who, ticket_id: TicketId) -> JSONResponse:
        """Say how far the requester has read; 200 and no fact when that is nothing new."""
        given = await body(request, bodies.ViewBody)
        command = commands.MarkViewed(
            *_asked(ticket_id, who),
            up_to_version=given.up_to_version,
        )
        return await answer(request, given, command)

    return router


def _asked(ticket_id: str, who: Caller) -> tuple[str, str, datetime]:
    """What every command begins with: ticket, author and time."""
    return ticket_id, who.person_id, datetime.now(UTC)


def _rich(html: str | None) -> text.RichText | None:
    return None if html is None else text.read(html)
