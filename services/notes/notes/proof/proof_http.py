"""A ticket's proof over HTTP: for its requester what they may see, for operators all of it."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, JsonValue
from relato_contracts.fields import Id
from relato_runtime import operations
from relato_runtime.auth import Authenticator
from relato_runtime.caller import Caller
from relato_runtime.database import Pool
from relato_runtime.http import RateLimit
from relato_runtime.operations import Operation
from relato_runtime.operators_http import Operator, Why
from relato_runtime.operators_http import problems as operators_problems
from relato_runtime.problems import Problem, unavailable

from notes import signing
from notes.proof import disclosed, tree
from notes.proof.levelled import Levelled, NotLevel
from notes.requests import problems
from notes.settings import NotesSettings


class SignedHead(BaseModel):
    """A signed head of the tree of all tickets' chains."""

    size: int
    """How many leaves the tree had."""
    checkpoint: str
    """Size and root, signed: C2SP tlog-checkpoint."""
    keys: list[str]
    """Public keys that heads may be signed with."""
    sealed_at: datetime


def routes(
    settings: NotesSettings, pool: Pool, levelled: Levelled, authenticate: Authenticator, limit: RateLimit
) -> APIRouter:
    """The requester's route, below ``/api/notes``."""
    router = APIRouter(prefix="/api/notes", tags=["proofs"])

    async def caller(request: Request) -> Caller:
        who = await authenticate(request)
        limit.spend(who.person_id)
        return who

    Who = Annotated[Caller, Depends(caller)]

    @router.get(
        "/tickets/{ticket_id}/proof", response_model=None, responses=problems(401, 404, 422, 429, 503)
    )
    async def my_proof(ticket_id: Annotated[Id, Path()], who: Who) -> JSONResponse:
        """The caller's own ticket with what they may see of it and what proves it, for `verify_export.py`."""
        return await _file(
            ticket_id, disclosed.for_requester(settings, pool, levelled, ticket_id, who.person_id)
        )

    return router


def operators_routes(
    settings: NotesSettings, pool: Pool, levelled: Levelled, operator: Operator
) -> APIRouter:
    """The operators' route, below ``/api/operate/events``."""
    router = APIRouter(prefix="/api/operate/events", tags=["events"])
    Who = Annotated[Caller, Depends(operator)]

    @router.get("/proof", response_model=None, responses=operators_problems(401, 403, 404, 422, 429, 503))
    async def proof_of_ticket(who: Who, ticket_id: Id, reason: Why = "") -> JSONResponse:
        """A ticket with everything that proves it, for somebody who trusts nobody. It is in the audit."""
        async with pool.acquire() as connection, connection.transaction():
            await operations.record(connection, Operation("events", "prove", who, reason, False), ticket_id)
        return await _file(ticket_id, disclosed.whole(settings, pool, levelled, ticket_id))

    @router.get("/head", responses=operators_problems(401, 403, 429, 503))
    async def head_of_log(_who: Who) -> SignedHead | None:
        """What was signed last, to be kept where nobody who runs this installation has a hand; or null."""
        async with pool.acquire() as connection:
            head = await tree.latest(connection)
        if head is None:
            return None
        keys = [key.line() for key in signing.known(settings)]
        return SignedHead(size=head.size, checkpoint=head.checkpoint, keys=keys, sealed_at=head.sealed_at)

    return router


async def _file(ticket_id: str, asked: Awaitable[dict[str, JsonValue] | None]) -> JSONResponse:
    try:
        document = await asked
    except NotLevel as error:
        raise unavailable(
            "Nothing is signed before the log is level with the heads that were published of it.",
            retry_after=10,
            code="log-not-level",
        ) from error
    if document is None:
        raise Problem(404, "ticket-not-found", "There is no such ticket, or you may not see it.")
    name = f'attachment; filename="relato-{ticket_id}.json"'
    return JSONResponse(document, headers={"Content-Disposition": name, "Cache-Control": "no-store"})
