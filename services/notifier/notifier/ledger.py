"""The ledger as operators see it: what became of each mail, and what they decide about it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from asyncpg import Record
from relato_runtime.database import Connection
from relato_runtime.refusals import Refused
from typing_extensions import TypedDict  # pydantic asks for this one before Python 3.12

from notifier import outbox, sending
from notifier.reading import readable

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
    """A mail with its source (RFC 5322), what a person reads of it, and the server's answers."""

    source: str | None
    subject: str | None
    text: str | None
    """Its plain text."""
    last_answer: Answer | None
    answers: list[Answer]
    """What became of each attempt, the first one first."""


class LedgerError(Refused):
    """What was asked of the ledger cannot be done; the message is for the operator."""


async def listing(
    connection: Connection,
    ticket_id: str | None = None,
    state: str | None = None,
    because: str | None = None,
    *,
    after: UUID | None = None,
    limit: int | None = None,
) -> list[MailSummary]:
    """The mails of a ticket or all, in one state or any, for one reason or any, oldest first, behind one."""
    rows = await connection.fetch(
        """
        SELECT mail_id, event_id, ticket_id, recipient, template_id, state, attempts, planned_at,
            updated_at, reason
        FROM mails
        WHERE ($1::text IS NULL OR ticket_id = $1) AND ($2::text IS NULL OR state = $2)
            AND ($3::text IS NULL OR starts_with(reason, $3))
            AND ($4::uuid IS NULL OR (planned_at, ticket_id, event_version, mail_id) > (
                SELECT planned_at, ticket_id, event_version, mail_id FROM mails WHERE mail_id = $4
            ))
        ORDER BY planned_at, ticket_id, event_version, mail_id LIMIT $5
        """,
        *(ticket_id, state, because, after, limit),
    )
    return [_summary(row) for row in rows]


async def one(connection: Connection, mail_id: UUID) -> MailDetail:
    """A mail with all that is known of it; ``LedgerError`` when there is none."""
    row = await connection.fetchrow("SELECT * FROM mails WHERE mail_id = $1", mail_id)
    if row is None:
        raise LedgerError(f"There is no mail {mail_id}.")
    attempts = await connection.fetch("SELECT * FROM attempts WHERE mail_id = $1 ORDER BY attempt", mail_id)
    answers = [_answer(attempt) for attempt in attempts]
    source: bytes | None = row["source"]
    said = None if source is None else readable(source)
    return MailDetail(
        **_summary(row),
        source=None if source is None else source.decode("utf-8", "replace"),
        subject=None if said is None else said.subject,
        text=None if said is None else said.text,
        last_answer=answers[-1] if answers else None,
        answers=answers,
    )


async def retry(connection: Connection, mail_id: UUID) -> None:
    """Try a mail again now that waits for its turn, was refused or given up; ``LedgerError`` otherwise."""
    await _decide(connection, mail_id, ("planned", "retry", "rejected", "dead"), _AGAIN)


async def resend(connection: Connection, mail_id: UUID) -> None:
    """Send a mail again of which nobody knows whether it went out; ``LedgerError`` for any other."""
    await _decide(connection, mail_id, ("uncertain",), _AGAIN)


async def drop(connection: Connection, mail_id: UUID, reason: str) -> None:
    """Never send a mail that is not sent yet, or not certainly; ``LedgerError`` for any other.

    One that was suppressed is so for this reason then, and never released.
    """
    async with connection.transaction():
        await _decide(
            connection,
            mail_id,
            ("planned", "retry", "rejected", "dead", "uncertain", "suppressed"),
            _DROPPED,
            f"dropped: {reason}",
        )
        await outbox.tell(connection, [mail_id])


class Suppressed(NamedTuple):
    """A suppressed mail, as far as it matters for sending it after all."""

    event_id: UUID
    event_version: int
    event_at: datetime
    correlation_id: str | None
    traceparent: str | None
    event_type: str | None
    event_data: str | None
    rendered: bool
    doubted: bool
    withdrawn: str | None
    """How what it is about is no longer to be told."""


async def suppressed(connection: Connection, mail_id: UUID) -> Suppressed:
    """A suppressed mail, which nobody else decides about meanwhile; ``LedgerError`` for any other."""
    await _locked(connection, mail_id, ("suppressed",))
    row = await connection.fetchrow(
        """
        SELECT event_id, event_version, event_at, correlation_id, traceparent, event_type, event_data,
            doubted, source IS NOT NULL AS rendered,
            CASE WHEN retracted THEN 'retracted'
                WHEN NOT visible AND recipient_role = 'requester' THEN 'hidden' END AS withdrawn
        FROM mails LEFT JOIN occurrences ON occurrence_id = subject_id WHERE mail_id = $1
        """,
        mail_id,
    )
    assert row is not None  # it is locked
    return Suppressed(**dict(row))


async def again(connection: Connection, mail_id: UUID) -> None:
    """Plan a suppressed mail as it was rendered."""
    await _decide(connection, mail_id, ("suppressed",), _AGAIN)


_AGAIN = """
    UPDATE mails SET state = 'planned', reason = NULL, due_at = now(), slots = 0, lease = NULL,
        patience_from = now(), attempts_before = attempts, updated_at = clock_timestamp()
    WHERE mail_id = $1
"""
_DROPPED = """
    UPDATE mails SET doubted = doubted OR state IN ('uncertain', 'suppressed'), state = 'suppressed',
        reason = $2, lease = NULL, updated_at = clock_timestamp()
    WHERE mail_id = $1
"""


async def _decide(
    connection: Connection, mail_id: UUID, states: Sequence[State], statement: str, *arguments: str
) -> None:
    async with connection.transaction():
        rendered = await _locked(connection, mail_id, states)
        if statement == _AGAIN:
            if not rendered:
                raise LedgerError("What the mail said was lost with the ledger; it cannot be sent from here.")
            if await sending.switched_off(connection):
                raise LedgerError("All e-mail is switched off (parameter 297).")
        await connection.execute(statement, mail_id, *arguments)


async def _locked(connection: Connection, mail_id: UUID, states: Sequence[State]) -> bool:
    """Lock a mail in one of these states, and say whether it was ever rendered."""
    row = await connection.fetchrow(
        "SELECT state, source IS NOT NULL AS rendered FROM mails WHERE mail_id = $1 FOR UPDATE", mail_id
    )
    if row is None:
        raise LedgerError(f"There is no mail {mail_id}.")
    if row["state"] not in states:
        raise LedgerError(f"The mail is {row['state']}; this takes one that is {' or '.join(states)}.")
    return bool(row["rendered"])


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
