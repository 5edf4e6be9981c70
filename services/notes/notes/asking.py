"""What all routes of commands share: who asks, what is answered, and how both are documented."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from relato_contracts.fields import Id
from relato_runtime.auth import Authenticator
from relato_runtime.caller import Caller
from relato_runtime.field_errors import FieldError, pointer
from relato_runtime.http import RateLimit
from relato_runtime.problems import Problem, invalid
from relato_runtime.telemetry import current_traceparent
from uuid6 import uuid7

from notes import errors
from notes.bodies import Body
from notes.commands import AnyCommand
from notes.commit import Committer
from notes.handle import Request as CommandRequest
from notes.requests import documented, idempotency, problems, recorded

_PROBLEMS = problems(401, 403, 404, 409, 412, 413, 415, 422, 429, 503)
_Route = Callable[..., Awaitable[JSONResponse]]


_IN_PATHS: Mapping[str, TypeAdapter[str] | TypeAdapter[UUID]] = {
    "ticket_id": TypeAdapter(Id),
    "occurrence_id": TypeAdapter(UUID),
}


class Asking:
    """Commands over HTTP, one at a time."""

    def __init__(self, committer: Committer, authenticate: Authenticator, limit: RateLimit) -> None:
        self._committer = committer
        self._authenticate = authenticate
        self._limit = limit
        self.router = APIRouter(prefix="/api/notes", tags=["commands"], route_class=_asked_by(self.caller))

    async def caller(self, request: Request) -> Caller:
        """Whoever asks, if they do not ask too often."""
        who = await self._authenticate(request)
        self._limit.spend(who.person_id)
        return who

    def post(
        self,
        path: str,
        model: type[Body],
        *made: str,
        perhaps: Sequence[str] = (),
        versioned: bool = False,
        optional: bool = False,
    ) -> Callable[[_Route], _Route]:
        """A route that takes a body (``optional``: or none) and answers with what was ``made``."""
        return self.router.post(
            path,
            status_code=201,
            responses={**recorded(*made, perhaps=perhaps), **_PROBLEMS},
            response_model=None,
            openapi_extra=documented(model, versioned=versioned, optional=optional),
        )

    async def answer(self, request: Request, given: Body, command: AnyCommand) -> JSONResponse:
        """What became of a command; a refusal is a problem."""
        key, digest = idempotency(request, given)
        correlation_id = str(uuid7())
        try:
            response = await self._committer.commit(
                CommandRequest(command, correlation_id, current_traceparent(), key, digest)
            )
        except errors.Invalid as refusal:
            raise Problem(422, refusal.code, refusal.detail, errors=refusal.errors) from refusal
        except errors.Refused as refusal:
            raise Problem(refusal.status, refusal.code, refusal.detail) from refusal
        nothing_new = response.get("recorded") is False
        return JSONResponse(dict(response), 200 if nothing_new else 201)


def _asked_by(caller: Callable[[Request], Awaitable[Caller]]) -> type[APIRoute]:
    """Routes whose functions get the caller and what stands in their paths; signatures are for the document.

    FastAPI's way of finding both out costs more than deciding and appending together.
    """

    class Route(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            answer: _Route = self.endpoint

            async def handle(request: Request) -> Response:
                who = await caller(request)
                return await answer(request, who, **_address(request))

            return handle

    return Route


def _address(request: Request) -> Mapping[str, object]:
    found: dict[str, object] = {}
    wrong: list[FieldError] = []
    for name, given in request.path_params.items():
        try:
            found[name] = _IN_PATHS[name].validate_python(given)
        except ValidationError as error:
            wrong += [FieldError(pointer(("path", name)), each["msg"]) for each in error.errors()]
    if wrong:
        raise invalid(*wrong)
    return found


def asked(ticket_id: str, who: Caller) -> tuple[str, str, datetime]:
    """What every command begins with: ticket, author and time."""
    return ticket_id, who.person_id, datetime.now(UTC)
