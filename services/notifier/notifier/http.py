"""The routes: administrators try templates, executors decide about uncertain mails."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request
from relato_contracts.fields import Id
from relato_runtime.auth import Authenticator
from relato_runtime.caller import Caller
from relato_runtime.database import Pool
from relato_runtime.http import RateLimit
from relato_runtime.mail_templates import VARIABLES
from relato_runtime.problems import Problem

from notifier import deciding, shown
from notifier.bodies import (
    Decided,
    Decision,
    Occurrence,
    Occurrences,
    Preview,
    Sent,
    Trial,
    Variable,
    Variables,
)
from notifier.tester import Tester
from notifier.trying import Workshop

_CHOICES = 20

Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="One for each request: the same key is answered as before, and sends nothing again.",
    ),
]


def routes(
    pool: Pool,
    workshop: Workshop,
    tester: Tester,
    authenticate: Authenticator,
    limit: RateLimit,
    *,
    on_decided: Callable[[], None],
) -> APIRouter:
    """The routes below ``/api/notifier``."""
    router = APIRouter(prefix="/api/notifier", tags=["mails"])

    async def anybody(request: Request) -> Caller:
        caller = await authenticate(request)
        limit.spend(caller.person_id)
        return caller

    async def administrator(caller: Annotated[Caller, Depends(anybody)]) -> Caller:
        if "administrator" not in caller.roles:
            raise Problem(403, "not-permitted", "Only administrators try templates.")
        return caller

    Who = Annotated[Caller, Depends(administrator)]

    @router.get("/variables", responses=_problems(401, 403, 429, 503))
    async def variables(_who: Who) -> Variables:
        """What templates may say."""
        items = [Variable(name=name, description=holds) for name, holds in VARIABLES.items()]
        return Variables(items=items)

    @router.get("/occurrences", responses=_problems(401, 403, 422, 429, 503))
    async def occurrences(_who: Who, ticket_id: Annotated[Id, Query()]) -> Occurrences:
        """The latest occurrences of a ticket that its requester sees, to try templates with."""
        async with pool.acquire() as connection:
            choices = await shown.latest(connection, ticket_id, _CHOICES)
        return Occurrences(items=[Occurrence(**each._asdict()) for each in choices])

    @router.post("/previews", responses=_problems(400, 401, 403, 404, 413, 422, 429, 503))
    async def previews(who: Who, trial: Trial) -> Preview:
        """The mail that a template makes, of an occurrence or of a sample; nothing is sent or kept."""
        situation = await workshop.situation(trial, who)
        made = await workshop.rendered(trial, situation.letter)
        return Preview(subject=made.subject, text=made.text, html=made.html)

    @router.post("/test-mails", responses=_problems(400, 401, 403, 404, 409, 413, 422, 429, 503))
    async def send_test_mail(who: Who, trial: Trial, key: Key) -> Sent:
        """Send that mail to the caller, once for each key, and say what the mail server said."""
        mail = await tester.send(who, key, trial)
        state, code, said = mail.outcome
        return Sent.model_validate(
            {"outcome": state, "recipient": mail.recipient, "code": code, "answer": said}
        )

    @router.post(
        "/mails/{mail_id}/decision", responses=_problems(400, 401, 403, 404, 409, 413, 422, 429, 503)
    )
    async def decide(
        who: Annotated[Caller, Depends(anybody)], mail_id: UUID, asked: Decision, key: Key
    ) -> Decided:
        """Send an uncertain mail once more, or leave it; for executors of its ticket, and operators."""
        decided = await deciding.decide(pool, who, mail_id, key, asked)
        on_decided()
        return Decided(mail_id=decided.mail_id, decision=decided.decision)

    return router


_PROBLEM = {"content": {"application/problem+json": {"schema": {"type": "object"}}}}
_WORDS = {
    400: "Not UTF-8",
    401: "No token that counts",
    403: "Not an administrator; or not an executor of the ticket",
    404: "No such occurrence that its requester sees; no such mail",
    409: "E-mail is switched off, this mail is being sent, or is not uncertain",
    413: "Too large",
    422: "Invalid; or the caller has no address",
    429: "Too many requests",
    503: "Try again later",
}


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"description": _WORDS[status], **_PROBLEM} for status in statuses}
