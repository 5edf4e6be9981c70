"""What operators read about a verification: one shape from every service that verifies what is its own."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from relato_runtime import jobs
from relato_runtime.caller import Caller
from relato_runtime.database import Pool
from relato_runtime.jobs import Finding, Job
from relato_runtime.operations import Operation
from relato_runtime.operators_http import Operator, Wish, problems, unless_refused

FINDINGS = 1_000
After = Annotated[
    str | None, Query(pattern=r"^[01]-[0-9]{1,18}$", description="Where a page of findings begins.")
]

Repair = Callable[[Finding], str | None]
"""The command that repairs what was found; None for what harms nobody and needs no repair."""


class Found(BaseModel):
    """Something that is not as it should be, and where; what somebody wrote stays unsaid."""

    kind: str
    ticket_id: str | None
    version: int | None
    topic: str | None
    partition: int | None
    offset: int | None
    repair: str | None
    """The command that repairs it; null where nothing has to be done."""
    detail: dict[str, Any]


class Progress(BaseModel):
    """How far a job is."""

    id: int
    state: Literal["running", "done", "cancelled"]
    name: str
    """Who asked for it."""
    started_at: datetime
    finished_at: datetime | None
    done: int
    total: Annotated[int, Field(description="As far as is known so far.")]
    rate: float
    """Of what is done, a second."""
    seconds_left: float | None
    """At that rate; null where it does not get on, or is over."""
    trouble: str | None
    """Why it did not get on when it was last tried."""


class Verification(Progress):
    """A verification: how far it is, and what it has found so far."""

    numbers: dict[str, int]
    """How much of each kind."""
    wrong: int
    """How much of it calls for a repair."""
    findings: list[Found]
    """A thousand of them, what is wrong before what harms nobody."""
    next_after: str | None
    """Where the next thousand begins; null with the last."""


class Begun(BaseModel):
    """A job that was begun, or with ``dry_run`` could be."""

    action: str
    job: int | None
    dry_run: bool


def progress(job: Job) -> dict[str, Any]:
    """A job as the fields of ``Progress``."""
    ended: Literal["done", "cancelled"] = "cancelled" if job.cancelled else "done"
    left = max(0, job.total - job.done)
    return {
        "id": job.id,
        "state": "running" if job.finished_at is None else ended,
        "name": job.name,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "done": job.done,
        "total": max(job.total, job.done),
        "rate": round(job.rate, 1),
        "seconds_left": round(left / job.rate, 1) if job.rate > 0 and job.finished_at is None else None,
        "trouble": job.trouble,
    }


VERIFY = "verify"


def routes(
    prefix: str,
    subject: str,
    pool: Pool,
    operator: Operator,
    repair: Repair,
    *,
    harmless: frozenset[str] = frozenset(),
) -> APIRouter:
    """Verifying something that needs no more to be said: begin it, and read what it finds."""
    router = APIRouter(prefix=prefix, tags=["verification"])
    Who = Annotated[Caller, Depends(operator)]
    name = subject.replace(" ", "_")

    @router.post("/verify", name=f"verify_{name}", responses=problems(400, 401, 403, 409, 413, 422, 429, 503))
    async def verify(who: Who, wish: Wish) -> Begun:
        """Verify it; that goes on by itself, and what it finds can be read meanwhile."""
        operation = Operation(subject, VERIFY, who, wish.reason, wish.dry_run)
        job = await unless_refused(jobs.ask(pool, operation, {}))
        return Begun(action=VERIFY, job=job, dry_run=wish.dry_run)

    @router.get("/verification", name=f"verification_of_{name}", responses=problems(401, 403, 422, 429, 503))
    async def verification(_who: Who, after: After = None) -> Verification | None:
        """The last verification: how far it is, and what it has found; ``after`` pages on. Null for none."""
        return await verified(pool, VERIFY, repair, harmless, after=after)

    @router.post("/cancel", name=f"cancel_{name}", responses=problems(400, 401, 403, 413, 422, 429, 503))
    async def cancel(who: Who, wish: Wish) -> Begun:
        """End the verification that is under way, where there is one."""
        return await cancelled(pool, subject, who, wish)

    return router


async def cancelled(pool: Pool, subject: str, who: Caller, wish: Wish) -> Begun:
    """End the job that is under way on a subject, wherever it is."""
    job = await jobs.stop(pool, Operation(subject, "cancel", who, wish.reason, wish.dry_run))
    return Begun(action="cancel", job=job, dry_run=wish.dry_run)


async def verified(
    pool: Pool,
    kind: str,
    repair: Repair,
    harmless: frozenset[str] = frozenset(),
    *,
    after: str | None = None,
) -> Verification | None:
    """The last verification of a kind; None before there is any, which is no error.

    What is ``harmless`` is told and is not wrong.
    """
    async with pool.acquire() as connection:
        job = await jobs.latest(connection, kind)
        if job is None:
            return None
        place = jobs.BEFORE_ALL if after is None else _read(after)
        findings, more, numbers = await jobs.found(
            connection, job.id, FINDINGS, last=sorted(harmless), after=place
        )
    return Verification(
        **progress(job),
        numbers=numbers,
        wrong=sum(number for kind, number in numbers.items() if kind not in harmless),
        findings=[Found(**each._asdict(), repair=repair(each)) for each in findings],
        next_after=None if more is None else f"{int(more[0])}-{more[1]}",
    )


def _read(after: str) -> jobs.Place:
    late, _, number = after.partition("-")
    return late == "1", int(number)
