"""Drafts over HTTP: what is put is what is got, until it is deleted; preconditions as in RFC 9110 §13."""

import re
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import JSONResponse, Response
from pydantic import RootModel
from relato_contracts.fields import Id
from relato_runtime.auth import Authenticator
from relato_runtime.caller import Caller
from relato_runtime.database import Pool
from relato_runtime.field_errors import FieldError
from relato_runtime.http import RateLimit
from relato_runtime.problems import Problem, invalid

from notes import commands, drafts, situations
from notes.drafts import Draft, DraftKind
from notes.requests import body, problems

_LIMIT_BYTES = 256 * 1024
# A front door that compresses may add to a tag which encoding it was given in.
_TAG = re.compile(r'(?:W/)?"([0-9a-f]{64})(?:-[a-z]+)?"')
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": '^"[0-9a-f]{64}"$'},
    "description": "The tag of the draft that you know; where it is another one, 412.",
}
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "const": "*"},
    "description": "You know of no draft; where there is one, 412.",
}


class DraftBody(RootModel[dict[str, object]]):
    """Whatever the composer needs to go on: any JSON object of up to 256 KiB."""


def routes(pool: Pool, authenticate: Authenticator, limit: RateLimit) -> APIRouter:
    """The routes of drafts, below ``/api/notes``."""
    router = APIRouter(prefix="/api/notes", tags=["drafts"])

    async def owner(request: Request, ticket_id: Annotated[Id, Path()]) -> str:
        """Whoever may see the ticket may keep a draft on it."""
        caller: Caller = await authenticate(request)
        limit.spend(caller.person_id)
        async with pool.acquire() as connection:
            question = commands.MarkViewed(ticket_id, caller.person_id, datetime.now(UTC), 1)
            (situation,) = await situations.read(connection, [question])
        if not situation.may_see:
            raise Problem(404, "ticket-not-found", "There is no such ticket, or you may not see it.")
        return caller.person_id

    Owner = Annotated[str, Depends(owner)]
    path = "/tickets/{ticket_id}/drafts/{kind}"

    @router.get(
        "/tickets/{ticket_id}/drafts", response_model=None, responses=problems(401, 404, 422, 429, 503)
    )
    async def list_drafts(ticket_id: str, person_id: Owner) -> Response:
        """What the caller began to write on a ticket: of each kind the draft, its tag, and since when."""
        items = [
            {"kind": each.kind, "saved_at": _time(each.saved_at), "etag": _etag(each), "draft": each.body}
            for each in await drafts.all_of(pool, person_id, ticket_id)
        ]
        return JSONResponse({"items": items}, headers={"Cache-Control": "no-store"})

    @router.get(path, response_model=None, responses=problems(401, 404, 422, 429, 503))
    async def get_draft(ticket_id: str, kind: DraftKind, person_id: Owner) -> Response:
        """The draft as it was put; 404 when there is none."""
        found = await drafts.load(pool, person_id, ticket_id, kind)
        if found is None:
            raise Problem(404, "draft-not-found", "There is no draft.")
        return _shown(found)

    @router.put(
        path,
        response_model=None,
        responses=problems(401, 404, 412, 413, 415, 422, 429, 503),
        openapi_extra={
            "parameters": [_IF_MATCH, _IF_NONE_MATCH],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"type": "object"}}},
            },
        },
    )
    async def put_draft(request: Request, ticket_id: str, kind: DraftKind, person_id: Owner) -> Response:
        """Keep a draft in place of the one before; with a precondition only in place of the one you know."""
        known = _known(request)
        given = (await body(request, DraftBody)).root
        raw = await request.body()
        if len(raw) > _LIMIT_BYTES:
            raise Problem(413, "too-large", f"A draft has at most {_LIMIT_BYTES} bytes.")
        if b"\\u0000" in raw:
            raise invalid(FieldError("", "A draft cannot hold U+0000."))
        try:
            return _shown(await drafts.save(pool, person_id, ticket_id, kind, given, known=known))
        except drafts.Changed as changed:
            raise _changed() from changed

    @router.delete(
        path,
        status_code=204,
        response_model=None,
        responses=problems(401, 404, 412, 422, 429, 503),
        openapi_extra={"parameters": [_IF_MATCH]},
    )
    async def delete_draft(request: Request, ticket_id: str, kind: DraftKind, person_id: Owner) -> Response:
        """Remove the draft, if there is one; with ``If-Match`` only the one you know."""
        try:
            await drafts.discard(pool, person_id, ticket_id, kind, _known(request))
        except drafts.Changed as changed:
            raise _changed() from changed
        return Response(status_code=204)

    return router


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _etag(draft: Draft) -> str:
    return f'"{draft.tag}"'


def _known(request: Request) -> str | None:
    """The tag of the draft that the caller knows, empty for none, ``None`` where any will do."""
    none, given = request.headers.get("if-none-match"), request.headers.get("if-match", "*").strip()
    match = _TAG.fullmatch(given)
    if match is None and given != "*":
        raise invalid(FieldError("/If-Match", "The tag of a draft, in quotes."))
    if none is not None and none.strip() != "*":
        raise invalid(FieldError("/If-None-Match", "Only *: you know of no draft."))
    if none is not None:
        return ""
    return None if match is None else match[1]


def _changed() -> Problem:
    return Problem(412, "draft-changed", "The draft is not the one that you know.")


def _shown(draft: Draft) -> JSONResponse:
    return JSONResponse(
        dict(draft.body),
        headers={
            "Last-Modified": format_datetime(draft.saved_at.astimezone(UTC), usegmt=True),
            "ETag": _etag(draft),
            "Cache-Control": "no-store",
        },
    )
