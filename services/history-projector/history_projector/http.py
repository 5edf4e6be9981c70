"""The operators' routes: projections, what can be done with their generations, and who did."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, Field
from relato_runtime.caller import Caller
from relato_runtime.operations import Operation
from relato_runtime.operators_http import Operator, Wish, problems, unless_refused

from history_projector.asked import Asked
from history_projector.operations import Operations
from history_projector.rules import Verb
from history_projector.verifications import Verification

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
    compared_at: datetime | None
    """Of a switch or rollback: when that generation and the live one were last compared; null where never."""
    differences: int | None
    """As many as were found then."""


class Generation(BaseModel):
    """One generation of a projection."""

    projection: str
    generation: int
    state: Literal["preparing", "building", "live", "retired", "paused", "dropping"]
    stage: Literal["preparing", "building", "live", "retired", "dropping"]
    """The same, apart from being paused."""
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
    state: Literal["running", "done", "cancelled"]
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
    """A thousand of them."""
    next_after: int | None
    """Where the next thousand begins; null with the last."""
    seconds_left: float | None
    """As it went so far; null where it does not get on, or is over."""


class Cancelled(BaseModel):
    """Which comparison was ended, or with ``dry_run`` could be."""

    projection: str
    action: Literal["cancel-verify"]
    generation: int | None
    dry_run: bool


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

    @router.get("/{name}/verification", responses=problems(401, 403, 422, 429, 503))
    async def verification(
        _who: Who, name: Name, after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0
    ) -> Comparison | None:
        """The last comparison of a generation with the live one: how far it is, and every difference.

        ``after`` pages on; null where nothing was compared yet.
        """
        known = await operations.verified(after)
        if known is None:
            return None
        of, found = known
        ended: Literal["done", "cancelled"] = "cancelled" if of.cancelled else "done"
        return Comparison(
            **{each: getattr(of, each) for each in Comparison.model_fields if hasattr(of, each)},
            state="running" if of.finished_at is None else ended,
            differences=found.number,
            findings=[Difference(**each._asdict()) for each in found.findings],
            next_after=found.next_after,
            seconds_left=_seconds_left(of, datetime.now(UTC)),
        )

    @router.post("/{name}/verification/cancel", responses=problems(400, 401, 403, 413, 422, 429, 503))
    async def cancel_verification(caller: Who, name: Name, wish: Wish) -> Cancelled:
        """End the comparison that is under way, where there is one: then the generation is free again."""
        operation = Operation(name, "cancel-verify", caller, wish.reason, wish.dry_run)
        number = await operations.stop_verifying(operation)
        return Cancelled(projection=name, action="cancel-verify", generation=number, dry_run=wish.dry_run)

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
        acted = await unless_refused(operations.do(asked))
        return Done(
            projection=name,
            action=verb,
            generation=acted.generation,
            dry_run=wish.dry_run,
            **acted.compared._asdict(),
        )

    return router


def _seconds_left(of: Verification, now: datetime) -> float | None:
    """As long as it took so far for each ticket."""
    if of.finished_at is not None or not of.compared:
        return None
    each = (now - of.started_at).total_seconds() / of.compared
    return round(each * max(0, of.total - of.compared), 1)


def _left(behind: int | None, rate: float) -> float | None:
    return None if behind is None or (behind and not rate) else round(behind / rate if behind else 0, 1)
