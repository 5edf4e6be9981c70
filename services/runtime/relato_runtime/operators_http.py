"""What the operators' routes of all services share: who may, why something was not done, and who did what."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, StrictBool, StringConstraints

from relato_runtime import operations
from relato_runtime.auth import Authenticator
from relato_runtime.caller import Caller
from relato_runtime.database import Pool
from relato_runtime.http import RateLimit
from relato_runtime.operations import Operated
from relato_runtime.problems import Problem
from relato_runtime.refusals import Held, Refused

Why = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00]*$")]
Operator = Callable[[Request], Awaitable[Caller]]
_Answer = TypeVar("_Answer")


class Wish(BaseModel):
    """What every operation says: why, and whether it is only tried."""

    model_config = ConfigDict(extra="forbid")

    reason: Why = ""
    dry_run: StrictBool = False
    """Only say whether it could be done."""


class Operations(BaseModel):
    """What operators did to a service, the last of it first."""

    items: list[Operated]


def operator(authenticate: Authenticator, limit: RateLimit) -> Operator:
    """Who may: callers with the role ``operator``, and nobody else."""

    async def caller_of(request: Request) -> Caller:
        caller = await authenticate(request)
        limit.spend(caller.person_id)
        if "operator" not in caller.roles:
            raise Problem(403, "not-permitted", "Only operators do that.")
        return caller

    return caller_of


async def unless_refused(answer: Awaitable[_Answer]) -> _Answer:
    """An answer; ``Problem`` 409 for what cannot be done now, or while another operator is at it."""
    try:
        return await answer
    except Refused as error:
        raise Problem(409, "refused", str(error)) from error
    except Held as error:
        raise Problem(409, "held", str(error)) from error


def audit_routes(service: str, pool: Pool, who: Operator) -> APIRouter:
    """What operators did to this service: ``/api/operate/audit/{service}``."""
    router = APIRouter(prefix=f"/api/operate/audit/{service}", tags=["audit"])

    @router.get("", responses=problems(401, 403, 422, 429, 503))
    async def audit(
        _who: Annotated[Caller, Depends(who)],
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
        before: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    ) -> Operations:
        """Who did what as an operator, when and why, the last first; ``before`` pages on behind an id."""
        async with pool.acquire() as connection:
            return Operations(items=await operations.recorded(connection, limit, before=before))

    return router


_PROBLEM = {"content": {"application/problem+json": {"schema": {"type": "object"}}}}
_WORDS = {
    400: "Not even JSON",
    401: "No token that counts",
    403: "Not an operator",
    404: "There is none",
    409: "Cannot be done now, or another operator is at it",
    413: "Too large",
    422: "Invalid",
    429: "Too many requests",
    503: "Try again later",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI description of the problems that a route may answer with."""
    return {status: {"description": _WORDS[status], **_PROBLEM} for status in statuses}
