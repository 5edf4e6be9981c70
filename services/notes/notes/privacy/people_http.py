"""The operators' routes about people: what would go if somebody were erased, and erasing them."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from relato_contracts.fields import Id
from relato_contracts.topics import NOTES, dead_letters
from relato_runtime import erased, holdings, jobs, remains, verified
from relato_runtime.caller import Caller
from relato_runtime.database import Pool
from relato_runtime.field_errors import FieldError
from relato_runtime.holdings import Holdings, Left
from relato_runtime.operations import Operation
from relato_runtime.operators_http import Operator, Wish, problems, unless_refused
from relato_runtime.problems import invalid
from relato_runtime.verified import Begun, Progress
from uuid6 import uuid7

from notes.privacy import erasing, erasures
from notes.privacy.erasing import ERASE, PATIENCE_SECONDS, RATE, SUBJECT
from notes.privacy.retaining import RETAIN

_MONTH = timedelta(days=365.25) / 12


class EraseWish(Wish):
    """Who is to be erased, and how fast."""

    person_id: Id
    rate: Annotated[int, Field(strict=True, ge=1, le=100_000)] = RATE
    """Facts a second, at most."""
    patience: Annotated[int, Field(strict=True, ge=0, le=86_400)] = PATIENCE_SECONDS
    """For how many seconds others' consumers are waited for, before what they have not read is cut off."""


class RetainWish(Wish):
    """What has been kept for long enough."""

    months: Annotated[int, Field(strict=True, ge=1, le=1_200)]
    """Since the ITSM said that the ticket is closed or cancelled; a month is 30 days and ten hours."""
    rate: Annotated[int, Field(strict=True, ge=1, le=100_000)] = RATE
    """Facts a second, at most."""
    patience: Annotated[int, Field(strict=True, ge=0, le=86_400)] = PATIENCE_SECONDS
    """As when a person is erased."""


class Retention(BaseModel):
    """What goes, or with ``dry_run`` would."""

    job: int | None
    dry_run: bool
    tickets: int
    events: int
    """Facts on these tickets that say something."""
    drafts: int
    """Of anybody, on tickets that have been closed for as long."""


class Erasure(Progress):
    """The last erasure: how far it is."""

    phase: str
    """What is done now: the ``log``, ``people`` beside it, the ``topics``, the ``files`` of the database."""
    left: list[Left]
    """What others have to see to."""
    files_seconds: float | None
    """For how long brokers keep files of what was cut off, as they are set up; null where they do not say."""


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
        return await latest(ERASE)

    async def latest(kind: str) -> Erasure | None:
        async with pool.acquire() as connection:
            job = await jobs.latest(connection, kind)
            if job is None:
                return None
            found, _, _ = await jobs.found(connection, job.id, verified.FINDINGS)
        return Erasure(
            **verified.progress(job),
            phase=job.reached.get("phase", "log"),
            left=holdings.left(found),
            files_seconds=job.reached.get("files_seconds"),
        )

    @router.post("/retention", responses=problems(400, 401, 403, 409, 413, 422, 429, 503))
    async def retain_texts(who: Who, wish: RetainWish) -> Retention:
        """Erase what was said on tickets that have been closed for so many months; it goes on by itself."""
        if not wish.reason.strip():
            raise invalid(FieldError("/reason", "Say why."))
        before = datetime.now(UTC) - wish.months * _MONTH
        async with pool.acquire() as connection:
            found = await erasures.due(connection, before)
        asked = {"before": before.isoformat(), "rate": wish.rate, "patience": wish.patience}
        asked |= {"by": who.person_id, "correlation_id": str(uuid7())}
        operation = Operation(SUBJECT, RETAIN, who, wish.reason, wish.dry_run)
        job = await unless_refused(jobs.ask(pool, operation, asked, f"{wish.months} months"))
        return Retention(job=job, dry_run=wish.dry_run, **found)

    @router.get("/retention", responses=problems(401, 403, 429, 503))
    async def retention(_who: Who) -> Erasure | None:
        """The last time that this was done, and how far it is; null where it was not yet."""
        return await latest(RETAIN)

    async def count(person_id: str) -> Holdings:
        async with pool.acquire() as connection:
            tables = await erasures.held(connection, person_id) | await erased.held(connection, person_id)
            # What is in the log stands on its topic once, and until that is rewritten also what no longer is.
            topics = {NOTES.name: tables["events"], **await erasures.said(connection, person_id)}
            topics[dead_letters("notes").name] = tables["dead_letters"]
            return holdings.of(tables, topics | await remains.on_topics(connection, person_id))

    whole.include_router(router)
    whole.include_router(holdings.routes("notes", pool, count, operator, job=ERASE))
    return whole
