"""What operators do with mails and with sending: decide, do it, and write down who did."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Literal, NamedTuple
from uuid import UUID

import structlog
from relato_runtime import operations
from relato_runtime.auth import Caller
from relato_runtime.database import Connection, Pool
from relato_runtime.operations import Operation

from notifier import ledger, releasing, sending
from notifier.ledger import LedgerError, MailDetail, State
from notifier.planner import Planner

log = structlog.get_logger(__name__)

Verb = Literal["retry", "resend", "drop", "release"]
AT_ONCE = 200
_STATES: dict[Verb, Sequence[State]] = {
    "retry": ("retry", "rejected", "dead"),
    "resend": ("uncertain",),
    "drop": ("planned", "retry", "rejected", "dead", "uncertain"),
    "release": ("suppressed",),
}
"""Of mails that are meant without being named."""


class Meant(NamedTuple):
    """Which mails: these, or of a ticket, of a state, for a reason (its beginning)."""

    mail_ids: Sequence[UUID] | None
    ticket_id: str | None
    state: State | None
    because: str | None


class Done(NamedTuple):
    """What became of one; the mail as it is then, or as it would be."""

    mail_id: UUID
    outcome: Literal["done", "refused"]
    detail: str
    mail: MailDetail | None


class _NothingKept(Exception):
    """Ends the transaction of a dry run."""


class Operating:
    """The operators' side of the ledger."""

    def __init__(self, pool: Pool, planner: Planner) -> None:
        self._pool = pool
        self._planner = planner

    async def do(
        self, verb: Verb, who: Caller, reason: str, dry_run: bool, meant: Meant
    ) -> tuple[list[Done], int]:
        """Decide about mails, each in a transaction of its own: what became of each, and how many are left.

        What cannot be done with one keeps no other from it. Raises ``Held``.
        """
        operation = Operation("mails", verb, who, reason, dry_run)
        async with operations.alone(self._pool, operation):
            mail_ids = await self._chosen(verb, meant)
            done = [await self._one(operation, verb, mail_id) for mail_id in mail_ids[:AT_ONCE]]
            if dry_run:
                async with self._pool.acquire() as connection:
                    tried = ", ".join(str(mail_id) for mail_id in mail_ids[:20])
                    await operations.record(connection, operation, tried or None)
        return done, len(mail_ids) - len(done)

    async def _chosen(self, verb: Verb, meant: Meant) -> Sequence[UUID]:
        if meant.mail_ids is not None:
            return list(dict.fromkeys(meant.mail_ids))
        async with self._pool.acquire() as connection:
            mails = await ledger.listing(connection, meant.ticket_id, meant.state, meant.because)
        return [UUID(each["mail_id"]) for each in mails if each["state"] in _STATES[verb]]

    async def _one(self, operation: Operation, verb: Verb, mail_id: UUID) -> Done:
        after: list[MailDetail] = []
        try:
            with suppress(_NothingKept):
                async with self._pool.acquire() as connection, connection.transaction():
                    await self._decide(connection, verb, mail_id, operation.reason)
                    after.append(await ledger.one(connection, mail_id))
                    if operation.dry_run:
                        raise _NothingKept
                    await operations.record(connection, operation, str(mail_id))
        except LedgerError as error:
            return Done(mail_id, "refused", str(error), None)
        if not operation.dry_run:
            log.info(verb, mail_id=str(mail_id), person_id=operation.who.person_id)
        return Done(mail_id, "done", "", after[0])

    async def _decide(self, connection: Connection, verb: Verb, mail_id: UUID, reason: str) -> None:
        match verb:
            case "retry":
                await ledger.retry(connection, mail_id)
            case "resend":
                await ledger.resend(connection, mail_id)
            case "drop":
                await ledger.drop(connection, mail_id, reason or "by an operator")
            case "release":
                await releasing.release(connection, self._planner, mail_id)

    async def switch(self, who: Caller, reason: str, *, stop: bool, dry_run: bool) -> None:
        """Stop or start all sending; raises ``Refused`` where that is so already."""
        operation = Operation("sending", "stop" if stop else "start", who, reason, dry_run)
        with suppress(_NothingKept):
            async with self._pool.acquire() as connection, connection.transaction():
                await sending.change(connection, stop=stop, name=who.name or who.person_id, reason=reason)
                if dry_run:
                    raise _NothingKept
                await operations.record(connection, operation)
        if dry_run:
            async with self._pool.acquire() as connection:
                await operations.record(connection, operation)
        else:
            log.warning("sending stopped" if stop else "sending started", person_id=who.person_id)
