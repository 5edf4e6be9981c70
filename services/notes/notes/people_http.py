"""The operators' routes about people: what would go if somebody were erased, and erasing them."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field
from relato_contracts.fields import Id
from relato_runtime import erased, holdings, jobs, verified
from relato_runtime.auth import Caller
from relato_runtime.database import Pool
from relato_runtime.field_errors import FieldError
from relato_runtime.holdings import Holdings
from relato_runtime.operations import Operation
from relato_runtime.operators_http import Operator, Wish, problems, unless_refused
from relato_runtime.problems import invalid
from relato_runtime.verified import Begun, Progress

from notes import erasing, erasures
from notes.erasing import ERASE, PATIENCE_SECONDS, RATE, SUBJECT


class EraseWish(Wish):
    """Who is to be erased, and how fast."""

    person_id: Id
    rate: Annotated[int, Field(strict=True, ge=1, le=100_000)] = RATE
    """Facts a second, at most."""
    patience: Annotated[int, Field(strict=True, ge=0, le=86_400)] = PATIENCE_SECONDS
    """For how many seconds others' consumers are waited for, before what they have not read is cut off."""


class Erasure(Progress):
    """The last erasure: how far it is."""

    phase: str
    """What is done now: the ``log``, ``people`` beside it, the ``topics``, the ``files`` of the database."""


def routes(pool: Pool, operator: Operator) -> APIRouter:
    """The routes below ``/api/operate/people``, and what notes holds of a person."""
    router, whole = APIRouter(prefix="/api/operate/people", tags=["people"]), APIRouter()
    Who = Annotated[Caller, Depends(operator)]

    @router.post("/erase", responses=problems(400, 401, 403, 409, 413, 422, 429, 503))
    async def erase_person(who: Who, wish: EraseWish) -> Begun:
        """Erase a person: name, what they wrote, what was written on their tickets. It goes on by itself."""
        if not wish.reason.strip():
            raise invalid(FieldError("/reason", "Say why; not who, since that stays."))
        asked = erasing.wish(
            *(wish.person_id, datetime.now(UTC)), by=who.person_id, rate=wish.rate, patience=wish.patience
        )
        operation = Operation(SUBJECT, ERASE, who, wish.reason, wish.dry_run)
        job = await unless_refused(jobs.ask(pool, operation, asked, wish.person_id))
        return Begun(action=ERASE, job=job, dry_run=wish.dry_run)

    @router.get("/erasure", responses=problems(401, 403, 429, 503))
    async def erasure(_who: Who) -> Erasure | None:
        """The last erasure, and how far it is; null where nobody was erased yet."""
        async with pool.acquire() as connection:
            job = await jobs.latest(connection, ERASE)
        return (
            None if job is None else Erasure(**verified.progress(job), phase=job.reached.get("phase", "log"))
        )

    async def count(person_id: str) -> Holdings:
        async with pool.acquire() as connection:
            mine = await erasures.held(connection, person_id)
            shared = await erased.held(connection, person_id)
        return {("table", name): number for name, number in (mine | shared).items()}

    whole.include_router(router)
    whole.include_router(holdings.routes("notes", pool, count, operator))
    return whole
