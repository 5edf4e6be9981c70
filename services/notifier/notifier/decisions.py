"""Decisions of people about mails of which nobody knows whether they went out: all SQL about them."""

from typing import Literal, NamedTuple
from uuid import UUID

from relato_contracts.notifications import MailDecision
from relato_runtime.database import Connection

from notifier import ledger, outbox


class Decided(NamedTuple):
    """A decision that was taken by a request."""

    request_hash: bytes
    mail_id: UUID
    decision: MailDecision


class Standing(NamedTuple):
    """A mail, its ticket, and what a person has to do with that."""

    ticket_id: str
    state: str
    lost: bool
    """What it said is not known any more, so it cannot be sent."""
    person_name: str | None
    may_execute: bool
    may_comment: bool


async def lock(connection: Connection, mail_id: UUID, person_id: str) -> Standing | None:
    """A mail, which nobody else decides about until the transaction ends; None where there is none."""
    row = await connection.fetchrow(
        """
        SELECT mail.ticket_id, mail.state, mail.source IS NULL AS lost, person.name AS person_name,
            coalesce(may.execute, false) AS may_execute, coalesce(may.comment, false) AS may_comment
        FROM (SELECT * FROM mails WHERE mail_id = $1 FOR UPDATE) AS mail
        LEFT JOIN tickets AS ticket ON ticket.ticket_id = mail.ticket_id
        LEFT JOIN people AS person ON person.person_id = $2
        LEFT JOIN LATERAL (
            SELECT
                bool_or(own.group_id = ticket.group_id OR own.executes @> ARRAY[ticket.group_id]) AS execute,
                bool_or(own.comments @> ARRAY[ticket.group_id]) AS comment
            FROM groups AS own WHERE own.member_ids @> ARRAY[person.person_id] AND person.active
        ) AS may ON true
        """,
        mail_id,
        person_id,
    )
    return None if row is None else Standing(**dict(row))


async def find(connection: Connection, person_id: str, key: str) -> Decided | None:
    """What a person's request with this key decided; of two at once the second waits for the first."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 8))", person_id)
    row = await connection.fetchrow(
        "SELECT request_hash, mail_id, decision FROM decisions WHERE person_id = $1 AND key = $2",
        person_id,
        key,
    )
    if row is None:
        return None
    return Decided(row["request_hash"], row["mail_id"], MailDecision.model_validate_json(row["decision"]))


async def take(
    connection: Connection,
    decision: Literal["resend", "leave"],
    person_id: str,
    person_name: str,
    reason: str | None,
) -> MailDecision:
    """A decision that is taken now, by the database's clock, which mails are dated by."""
    return MailDecision(
        decision=decision,
        person_id=person_id,
        person_name=person_name,
        at=await connection.fetchval("SELECT clock_timestamp()"),
        reason=reason,
    )


async def keep(connection: Connection, key: str, decided: Decided) -> None:
    """Do what was decided about a mail that is locked and uncertain, and tell who did so at once."""
    decision = decided.decision
    told = decision.model_dump_json(exclude_none=True)
    await connection.execute(
        "INSERT INTO decisions (person_id, key, request_hash, mail_id, decision) VALUES ($1, $2, $3, $4, $5)",
        *(decision.person_id, key, decided.request_hash, decided.mail_id, told),
    )
    words = f"{decision.decision}, decided by {decision.person_name}"
    words += f": {decision.reason}" if decision.reason else ""
    await connection.execute(
        "UPDATE mails SET decision = $2, updated_at = $3, reason = $4 WHERE mail_id = $1",
        *(decided.mail_id, told, decision.at, words),
    )
    if decision.decision == "leave":
        await ledger.drop(connection, decided.mail_id, words)
    else:
        # Whoever reads the history should not have to wait for the mail server to learn that it was decided.
        await outbox.tell(connection, [decided.mail_id])
        await ledger.resend(connection, decided.mail_id)
