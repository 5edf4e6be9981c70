"""The ledger as operators see it: what became of each mail, and what they decide about it."""

from collections.abc import Sequence
from typing import Literal, TypedDict
from uuid import UUID

from asyncpg import Record
from relato_runtime.database import Connection

from notifier import outbox

State = Literal[
    "planned", "leased", "submitting", "accepted", "retry", "rejected", "suppressed", "dead", "uncertain"
]


class MailSummary(TypedDict):
    """A mail as operators list it; times are RFC 3339."""

    mail_id: str
    event_id: str
    ticket_id: str
    recipient: str
    template_id: str
    state: State
    attempts: int
    planned_at: str
    updated_at: str
    reason: str | None


class Answer(TypedDict):
    """What the mail server said to an attempt."""

    attempt: int
    at: str
    outcome: str
    code: int | None
    answer: str


class MailDetail(MailSummary):
    """A mail with its source (RFC 5322), if it was ever rendered, and the server's last answer."""

    source: str | None
    last_answer: Answer | None


class LedgerError(Exception):
    """What was asked of the ledger cannot be done; the message is for the operator."""


async def listing(
    connection: Connection, ticket_id: str | None = None, state: str | None = None
) -> list[MailSummary]:
    """The mails of a ticket or all, in one state or any, oldest first."""
    rows = await connection.fetch(
        """
        SELECT mail_id, event_id, ticket_id, recipient, template_id, state, attempts, planned_at,
            updated_at, reason
        FROM mails
        WHERE ($1::text IS NULL OR ticket_id = $1) AND ($2::text IS NULL OR state = $2)
        ORDER BY planned_at, ticket_id, event_version, mail_id
        """,
        ticket_id,
        state,
    )
    return [_summary(row) for row in rows]


async def one(connection: Connection, mail_id: UUID) -> MailDetail:
    """A mail with all that is known of it; ``LedgerError`` when there is none."""
    row = await connection.fetchrow("SELECT * FROM mails WHERE mail_id = $1", mail_id)
    if row is None:
        raise LedgerError(f"There is no mail {mail_id}.")
    last = await connection.fetchrow(
        "SELECT * FROM attempts WHERE mail_id = $1 ORDER BY attempt DESC LIMIT 1", mail_id
    )
    source: bytes | None = row["source"]
    return MailDetail(
        **_summary(row),
        source=None if source is None else source.decode("utf-8", "replace"),
        last_answer=None if last is None else _answer(last),
    )


async def retry(connection: Connection, mail_id: UUID) -> None:
    """Try a mail again now that waits for its turn, was refused or given up; ``LedgerError`` otherwise."""
    await _decide(connection, mail_id, ("planned", "retry", "rejected", "dead"), _AGAIN)


async def resend(connection: Connection, mail_id: UUID) -> None:
    """Send a mail again of which nobody knows whether it went out; ``LedgerError`` for any other."""
    await _decide(connection, mail_id, ("uncertain",), _AGAIN)


async def drop(connection: Connection, mail_id: UUID, reason: str) -> None:
    """Never send a mail that is not sent yet, or not certainly; ``LedgerError`` for any other."""
    async with connection.transaction():
        await _decide(
            connection,
            mail_id,
            ("planned", "retry", "rejected", "dead", "uncertain"),
            _DROPPED,
            f"dropped: {reason}",
        )
        await outbox.tell(connection, [mail_id])


_AGAIN = """
    UPDATE mails SET state = 'planned', reason = NULL, due_at = now(), slots = 0, lease = NULL,
        updated_at = clock_timestamp()
    WHERE mail_id = $1
"""
_DROPPED = """
    UPDATE mails SET state = 'suppressed', reason = $2, lease = NULL, updated_at = clock_timestamp()
    WHERE mail_id = $1
"""


async def _decide(
    connection: Connection, mail_id: UUID, states: Sequence[State], statement: str, *arguments: str
) -> None:
    async with connection.transaction():
        row = await connection.fetchrow(
            "SELECT state, source IS NULL AS unknown FROM mails WHERE mail_id = $1 FOR UPDATE", mail_id
        )
        if row is None:
            raise LedgerError(f"There is no mail {mail_id}.")
        state = row["state"]
        if statement == _AGAIN and row["unknown"]:
            raise LedgerError("What the mail said was lost with the ledger; it cannot be sent from here.")
        if state not in states:
            raise LedgerError(f"The mail is {state}; this takes one that is {' or '.join(states)}.")
        await connection.execute(statement, mail_id, *arguments)


def _summary(row: Record) -> MailSummary:
    return MailSummary(
        mail_id=str(row["mail_id"]),
        event_id=str(row["event_id"]),
        ticket_id=row["ticket_id"],
        recipient=row["recipient"],
        template_id=row["template_id"],
        state=row["state"],
        attempts=row["attempts"],
        planned_at=row["planned_at"].isoformat(),
        updated_at=row["updated_at"].isoformat(),
        reason=row["reason"],
    )


def _answer(row: Record) -> Answer:
    return Answer(
        attempt=row["attempt"],
        at=row["at"].isoformat(),
        outcome=row["outcome"],
        code=row["code"],
        answer=row["answer"],
    )
