"""The operators' routes: events, and what can be done with them."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field, StringConstraints
from relato_contracts.fields import Id
from relato_runtime import jobs, verified
from relato_runtime.caller import Caller
from relato_runtime.database import Pool
from relato_runtime.field_errors import FieldError
from relato_runtime.operations import Operation
from relato_runtime.operators_http import Operator, Wish, problems, unless_refused
from relato_runtime.problems import invalid
from relato_runtime.settings import ServiceSettings
from relato_runtime.verified import VERIFY, After, Begun, Progress, Verification
from uuid6 import uuid7

from notes.operating import accepting, asked_to_verify, importing
from notes.operating.accepting import ACCEPT
from notes.operating.adopting import ADOPT
from notes.operating.asked_to_verify import VerifyWish
from notes.operating.importing import IMPORT, Import, Upload
from notes.operating.repairs import HARMLESS, repair
from notes.operating.replaying import Replay, ReplayWish, replay
from notes.operating.republish import REPUBLISH

SUBJECT = "events"
_Type = Annotated[str, StringConstraints(max_length=100, pattern=r"^[A-Za-z0-9.]+$")]
_NDJSON: dict[int | str, dict[str, Any]] = {200: {"content": {"application/x-ndjson": {}}}}


class AdoptWish(Wish):
    """Of which ticket the log is to take over what the topic has and it has not; null for all."""

    ticket_id: Id | None = None


class AcceptWish(Wish):
    """The record that stays as it is, by its place on the topic."""

    partition: Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)]
    offset: Annotated[int, Field(strict=True, ge=0, le=2**63 - 1)]


class Accepted(BaseModel):
    """What was decided, or with ``dry_run`` could be."""

    action: str
    kinds: list[str]
    """What the last verification found the record to be."""
    dry_run: bool


def routes(settings: ServiceSettings, pool: Pool, operator: Operator) -> APIRouter:
    """The routes below ``/api/operate/events``."""
    router = APIRouter(prefix="/api/operate/events", tags=["events"])
    Who = Annotated[Caller, Depends(operator)]

    @router.post("/verify", responses=problems(400, 401, 403, 409, 413, 422, 429, 503))
    async def verify_events(who: Who, wish: VerifyWish) -> Begun:
        """Compare the log with its topic; it goes on by itself, and what it finds can be read meanwhile."""
        operation = Operation(SUBJECT, VERIFY, who, wish.reason, wish.dry_run)
        job = await unless_refused(asked_to_verify.ask(pool, operation, wish))
        return Begun(action=VERIFY, job=job, dry_run=wish.dry_run)

    @router.get("/verification", responses=problems(401, 403, 422, 429, 503))
    async def verification_of_events(_who: Who, after: After = None) -> Verification | None:
        """The last verification: how far it is, and what it has found; ``after`` pages on. Null for none."""
        return await verified.verified(pool, VERIFY, repair, HARMLESS, after=after)

    @router.post("/republish", responses=problems(400, 401, 403, 409, 413, 422, 429, 503))
    async def republish(who: Who, wish: ReplayWish) -> Replay:
        """Publish events of the log once more; it goes on by itself, at the rate that is asked for."""
        operation = Operation(SUBJECT, REPUBLISH, who, wish.reason, wish.dry_run)
        return await unless_refused(replay(settings, pool, operation, wish))

    @router.get("/republication", responses=problems(401, 403, 429, 503))
    async def republication(_who: Who) -> Progress | None:
        """The last replay, and how far it is; null where nothing was published again yet."""
        async with pool.acquire() as connection:
            job = await jobs.latest(connection, REPUBLISH)
        return None if job is None else Progress(**verified.progress(job))

    @router.post("/adopt", responses=problems(400, 401, 403, 409, 413, 422, 429, 503))
    async def adopt(who: Who, wish: AdoptWish) -> Begun:
        """Take over from the topic what the log lacks, byte for byte: its next events, and in its holes."""
        operation = Operation(SUBJECT, ADOPT, who, wish.reason, wish.dry_run)
        job = await unless_refused(jobs.ask(pool, operation, {"ticket_id": wish.ticket_id}, wish.ticket_id))
        return Begun(action=ADOPT, job=job, dry_run=wish.dry_run)

    @router.get("/adoption", responses=problems(401, 403, 422, 429, 503))
    async def adoption(_who: Who, after: After = None) -> Verification | None:
        """The last adoption: how far it is, and what could not be taken over, since the log has another.

        Null where there was none.
        """
        return await verified.verified(pool, ADOPT, repair, after=after)

    @router.post("/accept", responses=problems(400, 401, 403, 409, 413, 422, 429, 503))
    async def accept(who: Who, wish: AcceptWish) -> Accepted:
        """Let a record be as it is, for a reason: verifications then tell it, and do not fail for it."""
        if not wish.reason.strip():
            raise invalid(FieldError("/reason", "Say why."))
        operation = Operation(SUBJECT, ACCEPT, who, wish.reason, wish.dry_run)
        kinds = await unless_refused(accepting.accept(settings, pool, operation, wish.partition, wish.offset))
        return Accepted(action=ACCEPT, kinds=kinds, dry_run=wish.dry_run)

    @router.post("/import/lines", responses=problems(400, 401, 403, 409, 413, 422, 429, 503), status_code=204)
    async def upload(who: Who, piece: Upload) -> None:
        """A piece of an export that is to be imported; it waits until all are there."""
        await unless_refused(importing.upload(pool, who.person_id, piece))

    @router.post("/import", responses=problems(400, 401, 403, 409, 413, 422, 429, 503))
    async def import_(who: Who, wish: Wish) -> Import:
        """Fill an empty log with what was uploaded, each ticket whole or not at all; nobody is mailed.

        What became of mails elsewhere does not come with it: histories lack that.
        """
        operation = Operation(SUBJECT, IMPORT, who, wish.reason, wish.dry_run)
        return await unless_refused(importing.ask(pool, operation, str(uuid7())))

    @router.get("/importation", responses=problems(401, 403, 422, 429, 503))
    async def importation(_who: Who, after: After = None) -> Verification | None:
        """The last import: how far it is, and which tickets were not taken in; ``after`` pages on.

        Null where there was none.
        """
        return await verified.verified(pool, IMPORT, repair, after=after)

    @router.post("/cancel", responses=problems(400, 401, 403, 413, 422, 429, 503))
    async def cancel_job_of_events(who: Who, wish: Wish) -> Begun:
        """End the job that is under way, where it is."""
        return await verified.cancelled(pool, SUBJECT, who, wish)

    return router
