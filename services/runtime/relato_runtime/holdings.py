"""What a service holds of a person: before they are erased what would go, and afterwards what is left."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from relato_contracts.fields import Id

from relato_runtime import operations, remains
from relato_runtime.caller import Caller
from relato_runtime.clearing import CLEAR
from relato_runtime.database import Pool
from relato_runtime.jobs import Finding
from relato_runtime.operations import Operation
from relato_runtime.operators_http import Operator, Why, problems

Kind = Literal["table", "topic"]
Holdings = Mapping[tuple[Kind, str], int]
"""By table or topic: rows or records."""


class Holding(BaseModel):
    """How much of a person lies in one place."""

    kind: Kind
    name: str
    """Of a topic as contracts have it, without an installation's prefix."""
    number: int
    """Rows or records."""


class Left(BaseModel):
    """A group that had not read what was cut off, or a topic that is not compacted and still says more."""

    kind: Literal["not-read", "not-compacted"]
    topic: str
    partition: int | None
    group: str | None


class Forgetting(BaseModel):
    """How far a service is with somebody who was erased."""

    erased_at: datetime
    """When they were, for the last time that it has heard of."""
    done: bool
    """Whether it has done its part: in its rows, on its topics, in its files."""
    trouble: str | None
    """Why its job did not get on when it was last tried."""
    left: list[Left]
    """What others have to see to."""


class Held(BaseModel):
    """All that a service holds of a person."""

    service: str
    person_id: str
    items: list[Holding]
    forgetting: Forgetting | None
    """Null while it has not heard that they were erased, and of a service that has nothing to rewrite."""


def of(tables: Mapping[str, int], topics: Mapping[str, int]) -> Holdings:
    """Pure: both together."""
    return {
        **{("table", name): number for name, number in tables.items()},
        **{("topic", name): number for name, number in topics.items()},
    }


def left(findings: list[Finding]) -> list[Left]:
    """Pure: what a job has found, as operators see it."""
    return [Left.model_validate(each._asdict() | {"group": each.detail.get("group")}) for each in findings]


def routes(
    service: str,
    pool: Pool | None,
    count: Callable[[str], Awaitable[Holdings]],
    operator: Operator,
    *,
    job: str = CLEAR,
) -> APIRouter:
    """The route ``/api/operate/holdings/{service}/{person_id}``.

    ``pool`` is where the audit is, and the jobs of that kind that forget people, if there are any.
    """
    router = APIRouter(prefix=f"/api/operate/holdings/{service}", tags=["people"])

    @router.get("/{person_id}", responses=problems(401, 403, 422, 429, 503))
    async def holdings(who: Annotated[Caller, Depends(operator)], person_id: Id, reason: Why = "") -> Held:
        """What is held of a person, by table and topic, as numbers; that somebody asked is in the audit."""
        found, forgetting = await count(person_id), None
        if pool is not None:
            async with pool.acquire() as connection:
                forgetting = _forgetting(await remains.state(connection, person_id, job))
                asked = Operation("people", "count", who, reason, dry_run=True)
                await operations.record(connection, asked, person_id)
        items = [Holding(kind=kind, name=name, number=number) for (kind, name), number in found.items()]
        return Held(service=service, person_id=person_id, items=items, forgetting=forgetting)

    return router


def _forgetting(state: remains.State | None) -> Forgetting | None:
    if state is None:
        return None
    return Forgetting(
        erased_at=state.erased_at, done=state.done, trouble=state.trouble, left=left(state.findings)
    )
