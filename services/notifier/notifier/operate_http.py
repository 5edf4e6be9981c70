"""The operators' routes: mails, what can be done with them, and whether any go out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field, StrictBool, StringConstraints
from relato_contracts.fields import Id
from relato_runtime.caller import Caller
from relato_runtime.database import Pool
from relato_runtime.field_errors import FieldError
from relato_runtime.operators_http import Operator, Wish, problems, unless_refused
from relato_runtime.problems import Problem, invalid

from notifier import ledger, sending
from notifier.ledger import LedgerError, MailDetail, MailSummary, State
from notifier.meant import Meant, Verb
from notifier.operating import AT_ONCE, Operating

_Because = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
_PAGE = 500
_DECISIONS: Mapping[Verb, str] = {
    "retry": "Try mails again now.",
    "resend": "Send mails again of which nobody knows whether they went out.",
    "drop": "Never send mails.",
    "release": "Send mails that were suppressed.",
}


class Mails(BaseModel):
    """Mails, oldest first."""

    items: list[MailSummary]
    next_after: UUID | None
    """Where the next page begins; null on the last."""


class MailsWish(Wish):
    """Which mails are meant: these, or those of a ticket, in a state, for a reason, or all that can be."""

    mail_ids: Annotated[list[UUID] | None, Field(min_length=1, max_length=AT_ONCE)] = None
    ticket_id: Id | None = None
    state: State | None = None
    because: _Because | None = None
    """How the reason begins that the mails have: ``not-configured``, ``disabled`` …"""
    all: StrictBool = False
    after: UUID | None = None
    """Those alone that come behind this one: where the answer before said to go on."""


class MailDecided(BaseModel):
    """What became of one mail, or with ``dry_run`` would."""

    mail_id: UUID
    outcome: Literal["done", "refused"]
    detail: str
    mail: MailDetail | None
    """As it is then."""


class MailsDecided(BaseModel):
    """What became of each."""

    action: Verb
    items: list[MailDecided]
    left: int
    """So many more are meant, for another request."""
    next_after: UUID | None
    """Behind which that goes on; null where none are left."""
    dry_run: bool


class Sending(BaseModel):
    """Whether mails go out."""

    stopped: bool
    since: datetime | None
    name: str | None
    """Who stopped it."""
    reason: str | None
    waiting: int
    """Mails that are to go out."""


def routes(pool: Pool, operating: Operating, who: Operator) -> APIRouter:
    """The routes below ``/api/operate/mails`` and ``/api/operate/sending``."""
    router = APIRouter(prefix="/api/operate", tags=["mails"])
    Who = Annotated[Caller, Depends(who)]

    @router.get("/mails", responses=problems(401, 403, 422, 429, 503))
    async def list_mails(
        _who: Who,
        ticket_id: Annotated[Id | None, Query()] = None,
        state: Annotated[State | None, Query()] = None,
        because: Annotated[_Because | None, Query()] = None,
        after: Annotated[UUID | None, Query()] = None,
    ) -> Mails:
        """What became of each mail."""
        async with pool.acquire() as connection:
            items = await ledger.listing(connection, ticket_id, state, because, after=after, limit=_PAGE)
        return Mails(items=items, next_after=UUID(items[-1]["mail_id"]) if len(items) == _PAGE else None)

    @router.get("/mails/{mail_id}", responses=problems(401, 403, 404, 422, 429, 503))
    async def show_mail(_who: Who, mail_id: UUID) -> MailDetail:
        """A mail as it is sent, and what became of every attempt."""
        try:
            async with pool.acquire() as connection:
                return await ledger.one(connection, mail_id)
        except LedgerError as error:
            raise Problem(404, "not-found", str(error)) from error

    async def decided(caller: Caller, verb: Verb, wish: MailsWish) -> MailsDecided:
        named = (wish.mail_ids, wish.ticket_id, wish.state, wish.because)
        if all(each is None for each in named) and not wish.all:
            raise invalid(FieldError("", "Say which are meant: mail_ids, ticket_id, state, because, or all."))
        if verb == "resend" and wish.mail_ids is None:
            raise invalid(FieldError("/mail_ids", "Uncertain mails are sent again one by one, by their ids."))
        meant = Meant(*named, wish.after)
        found = await unless_refused(operating.do(verb, caller, wish.reason, wish.dry_run, meant))
        return MailsDecided(
            action=verb,
            items=[MailDecided.model_validate(each._asdict()) for each in found.items],
            left=found.left,
            next_after=found.next_after,
            dry_run=wish.dry_run,
        )

    def add(verb: Verb, what: str) -> None:
        # Each has an address of its own: a pattern would stand for the addresses of mails as well.
        responses = problems(400, 401, 403, 409, 413, 422, 429, 503)

        @router.post(f"/mails/{verb}", name=f"{verb}_mails", description=what, responses=responses)
        async def decide(caller: Who, wish: MailsWish) -> MailsDecided:
            return await decided(caller, verb, wish)

    for verb, what in _DECISIONS.items():
        add(verb, what)

    @router.get("/sending", responses=problems(401, 403, 429, 503))
    async def show_sending(_who: Who) -> Sending:
        """Whether mails go out, and how many are to."""
        async with pool.acquire() as connection:
            held = await sending.stopped(connection)
            waiting = await sending.waiting(connection)
        if held is None:
            return Sending(stopped=False, since=None, name=None, reason=None, waiting=waiting)
        return Sending(stopped=True, since=held.at, name=held.name, reason=held.reason, waiting=waiting)

    @router.post("/sending/{verb}", responses=problems(400, 401, 403, 409, 413, 422, 429, 503))
    async def switch_sending(caller: Who, verb: Literal["stop", "start"], wish: Wish) -> Sending:
        """Let no mail go out until further notice, in any process; or let them go out again."""
        stop = verb == "stop"
        await unless_refused(operating.switch(caller, wish.reason, stop=stop, dry_run=wish.dry_run))
        return await show_sending(caller)

    return router
