"""What operators do with mails and with sending: decide, do it, and write down who did."""

import asyncio
from contextlib import suppress
from typing import Literal, NamedTuple
from uuid import UUID

import structlog
from relato_runtime import operations
from relato_runtime.caller import Caller
from relato_runtime.database import Connection, Pool
from relato_runtime.operations import Operation

from notifier import ledger, releasing, sending
from notifier.ledger import LedgerError, MailDetail
from notifier.meant import Meant, Verb, chosen
from notifier.planner import Planner

log = structlog.get_logger(__name__)

AT_ONCE = 200
SECONDS = 15.0
"""Within one request: its lease lasts a minute, and clients wait no longer."""


class Done(NamedTuple):
    """What became of one; the mail as it is then, or as it would be."""

    mail_id: UUID
    outcome: Literal["done", "refused"]
    detail: str
    mail: MailDetail | None


class Decided(NamedTuple):
    """What became of each, how many are left, and behind which to go on with those."""

    items: list[Done]
    left: int
    next_after: UUID | None


class _NothingKept(Exception):
    """Ends the transaction of a dry run."""


class Operating:
    """The operators' side of the ledger."""

    def __init__(self, pool: Pool, planner: Planner) -> None:
        self._pool = pool
        self._planner = planner

    async def do(self, verb: Verb, who: Caller, reason: str, dry_run: bool, meant: Meant) -> Decided:
        """Decide about mails, each in a transaction of its own.

        What cannot be done with one keeps no other from it, and whoever asks again goes on behind it. Raises
        ``Held``.
        """
        operation = Operation("mails", verb, who, reason, dry_run)
        clock = asyncio.get_running_loop().time
        until = clock() + SECONDS
        done: list[Done] = []
        async with operations.alone(self._pool, operation):
            async with self._pool.acquire() as connection:
                mail_ids, more = await chosen(connection, verb, meant, AT_ONCE)
            for mail_id in mail_ids:
                done.append(await self._one(operation, verb, mail_id))
                if clock() > until:
                    break
            if dry_run:
                async with self._pool.acquire() as connection:
                    tried = ", ".join(str(mail_id) for mail_id in mail_ids[:20])
                    await operations.record(connection, operation, tried or None)
        left = more + len(mail_ids) - len(done)
        return Decided(done, left, done[-1].mail_id if left else None)

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
                await sending.change(connection, stop=stop, who=who, reason=reason)
                if dry_run:
                    raise _NothingKept
                await operations.record(connection, operation)
        if dry_run:
            async with self._pool.acquire() as connection:
                await operations.record(connection, operation)
        else:
            log.warning("sending stopped" if stop else "sending started", person_id=who.person_id)
