"""What a service holds of a person: before they are erased what would go, and afterwards what is left."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from relato_contracts.fields import Id

from relato_runtime import operations
from relato_runtime.caller import Caller
from relato_runtime.database import Pool
from relato_runtime.operations import Operation
from relato_runtime.operators_http import Operator, Why, problems

Kind = Literal["table", "topic"]
Holdings = Mapping[tuple[Kind, str], int]
"""By table or topic: rows or records."""


class Holding(BaseModel):
    """How much of a person lies in one place."""

    kind: Kind
    name: str
    number: int
    """Rows or records."""


class Held(BaseModel):
    """All that a service holds of a person."""

    service: str
    person_id: str
    items: list[Holding]


def routes(
    service: str, pool: Pool | None, count: Callable[[str], Awaitable[Holdings]], operator: Operator
) -> APIRouter:
    """The route ``/api/operate/holdings/{service}/{person_id}``; ``pool`` is where the audit is, if any."""
    router = APIRouter(prefix=f"/api/operate/holdings/{service}", tags=["people"])

    @router.get("/{person_id}", responses=problems(401, 403, 422, 429, 503))
    async def holdings(who: Annotated[Caller, Depends(operator)], person_id: Id, reason: Why = "") -> Held:
        """What is held of a person, by table and topic, as numbers; that somebody asked is in the audit."""
        found = await count(person_id)
        if pool is not None:
            async with pool.acquire() as connection:
                asked = Operation("people", "count", who, reason, dry_run=True)
                await operations.record(connection, asked, person_id)
        items = [Holding(kind=kind, name=name, number=number) for (kind, name), number in found.items()]
        return Held(service=service, person_id=person_id, items=items)

    return router
