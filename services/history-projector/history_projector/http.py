"""The operators' routes: projections, what can be done with their generations, and who did."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field
from relato_runtime.auth import Caller
from relato_runtime.operators_http import Operator, Wish, problems, unless_refused
from relato_runtime.problems import Problem

from history_projector.asked import Asked
from history_projector.operations import Operations
from history_projector.rules import Verb

Name = Annotated[Literal["history"], Path(description="The projection.")]


class GenerationWish(Wish):
    """What is to be done with a generation."""

    generation: Annotated[int | None, Field(ge=1, le=2**31 - 1)] = None
    """Which one is meant; may be left out where there is only one that could be."""


class Done(BaseModel):
    """What was done, or with ``dry_run`` could be."""

    projection: str
    action: Verb
    generation: int | None
    dry_run: bool


class Generation(BaseModel):
    """One generation of a projection."""

    projection: str
    generation: int
    state: Literal["preparing", "building", "live", "retired", "paused", "dropping"]
    applied: int
    """Records taken in."""
    behind: int | None
    """Records still to be taken in; null while the broker cannot be asked."""
    rate: float
    """Records a second."""
    seconds_left: float | None
    """At that rate."""


class Generations(BaseModel):
    """All generations."""

    items: list[Generation]
    verified_at: datetime | None
    """When the last comparison of two of them began; null where there was none."""


class Difference(BaseModel):
    """A row that the generation lacks, has too much, or has otherwise; what it holds stays unsaid."""

    ticket_id: str
    kind: Literal["missing", "unexpected", "different", "moving"]
    """``moving``: the ticket changed all the time, and could not be compared."""
    part: str | None
    """The table."""
    key: dict[str, Any] | None
    columns: list[str]


class Comparison(BaseModel):
    """A comparison of a generation with another that counts as right."""

    id: int
    generation: int
    against: int
    state: Literal["running", "done"]
    name: str
    """Who asked for it."""
    started_at: datetime
    finished_at: datetime | None
    compared: int
    """Tickets."""
    total: int
    """As many as there were when it began."""
    differences: int
    findings: list[Difference]
    """The first thousand of them."""


class Action(BaseModel):
    """Who did what with a generation, when and why."""

    at: datetime
    person_id: str
    name: str
    action: str
    generation: int | None
    reason: str
    dry_run: bool


class Actions(BaseModel):
    """The latest actions, the last one first."""

    items: list[Action]


def routes(operations: Operations, who: Operator) -> APIRouter:
    """The routes below ``/api/operate/projections``."""
    router = APIRouter(prefix="/api/operate/projections", tags=["projections"])

    Who = Annotated[Caller, Depends(who)]

    @router.get("", responses=problems(401, 403, 429, 503))
    async def projections(_who: Who) -> Generations:
        """All generations of all projections, and how far each is."""
        return Generations(
            items=[
                Generation(**each, seconds_left=_left(each["behind"], each["rate"]))
                for each in await operations.listed()
            ],
            verified_at=await operations.verified_at(),
        )

    @router.get("/{name}/verification", responses=problems(401, 403, 404, 422, 429, 503))
    async def verification(_who: Who, name: Name) -> Comparison:
        """The last comparison of a generation with the live one: how far it is, and every difference."""
        known = await operations.verified()
        if known is None:
            raise Problem(404, "not-found", "Nothing was verified yet.")
        of, findings, number = known
        return Comparison(
            **{each: getattr(of, each) for each in Comparison.model_fields if hasattr(of, each)},
            state="running" if of.finished_at is None else "done",
            differences=number,
            findings=[Difference(**each._asdict()) for each in findings],
        )

    @router.get("/{name}/actions", responses=problems(401, 403, 422, 429, 503))
    async def actions(_who: Who, name: Name) -> Actions:
        """Who did what with a projection, when and why."""
        return Actions(
            items=[
                Action(**each.model_dump(), generation=None if each.target is None else int(each.target))
                for each in await operations.recorded()
            ]
        )

    @router.post("/{name}/{verb}", responses=problems(400, 401, 403, 409, 413, 422, 429, 503))
    async def act(caller: Who, name: Name, verb: Verb, wish: GenerationWish) -> Done:
        """Do something with a generation. What takes long goes on by itself; the list shows how far it is."""
        asked = Asked(name, verb, caller, wish.generation, wish.reason, wish.dry_run)
        number = await unless_refused(operations.do(asked))
        return Done(projection=name, action=verb, generation=number, dry_run=wish.dry_run)

    return router


def _left(behind: int | None, rate: float) -> float | None:
    return None if behind is None or (behind and not rate) else round(behind / rate if behind else 0, 1)
