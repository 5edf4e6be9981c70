"""Somebody decides about an uncertain mail: who may, and what is answered."""

import hashlib
from uuid import UUID

import structlog
from relato_runtime.caller import Caller
from relato_runtime.database import Connection, Pool
from relato_runtime.problems import Problem

from notifier import decisions, sending
from notifier.bodies import Decision
from notifier.decisions import Decided, Standing

log = structlog.get_logger(__name__)


async def decide(pool: Pool, who: Caller, mail_id: UUID, key: str, asked: Decision) -> Decided:
    """Decide once for each key, and before anybody else; ``Problem`` where that cannot be."""
    digest = hashlib.sha256(f"{mail_id} {asked.model_dump_json()}".encode()).digest()
    async with pool.acquire() as connection, connection.transaction():
        known = await decisions.find(connection, who.person_id, key)
        mail = _permitted(who, await decisions.lock(connection, mail_id, who.person_id))
        if known is not None:
            return _same(known, digest)
        await _allow(connection, mail, asked)
        name = mail.person_name or who.name or who.person_id
        taken = await decisions.take(connection, asked.decision, who.person_id, name, asked.reason)
        decided = Decided(digest, mail_id, taken)
        await decisions.keep(connection, key, decided)
    log.info("mail decided", mail_id=str(mail_id), person_id=who.person_id, decision=asked.decision)
    return decided


def _permitted(who: Caller, mail: Standing | None) -> Standing:
    """Operators decide about all mails, as from the command line; others as executors of the ticket."""
    operator = "operator" in who.roles
    if mail is None or not (operator or mail.may_execute or mail.may_comment):
        raise Problem(404, "mail-not-found", "There is no such mail, or its ticket is not yours to see.")
    if not (operator or mail.may_execute):
        raise Problem(403, "not-permitted", "Only executors of the ticket decide about its mails.")
    return mail


async def _allow(connection: Connection, mail: Standing, asked: Decision) -> None:
    if mail.state != "uncertain":
        raise Problem(409, "mail-not-uncertain", "It is not uncertain (any more), or somebody has decided.")
    if asked.decision == "leave":
        return
    if mail.lost:
        raise Problem(409, "mail-lost", "What the mail said was lost with the ledger; it cannot be sent.")
    if await sending.switched_off(connection):
        raise Problem(409, "mails-disabled", "All e-mail is switched off (parameter 297).")


def _same(known: Decided, digest: bytes) -> Decided:
    if known.request_hash != digest:
        detail = "The idempotency key was used before, with another request."
        raise Problem(422, "idempotency-key-reused", detail)
    return known
