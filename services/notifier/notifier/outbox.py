"""Outcomes on their way to Kafka: all SQL of the outbox."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from asyncpg import Record
from relato_contracts.envelope import serialise, type_name
from relato_contracts.notifications import (
    EmailAccepted,
    EmailOutcome,
    EmailRejected,
    EmailSuppressed,
    EmailUncertain,
    MailDecision,
)
from relato_runtime.database import Connection

_LEADER = 0x4E6F7469  # "Noti": one process publishes at a time, so that outcomes stay in order


@dataclass(frozen=True, slots=True)
class Pending:
    """An outcome that is to be published."""

    seq: int
    outcome_id: UUID
    ticket_id: str
    type: str
    event_id: UUID
    correlation_id: str | None
    traceparent: str | None
    at: datetime
    data: str


async def tell(connection: Connection, mail_ids: Iterable[UUID]) -> None:
    """Announce what became of mails, in the transaction that changed them; open states are not told."""
    changed = list(mail_ids)
    if not changed:  # as on the way of nearly every mail
        return
    rows = await connection.fetch(
        f"SELECT {COLUMNS} FROM mails WHERE mail_id = ANY($1::uuid[]) "  # noqa: S608  # constants alone
        "ORDER BY ticket_id, event_version, mail_id",
        changed,
    )
    await announce(connection, rows)


COLUMNS = """
    mail_id, event_id, event_version, correlation_id, traceparent, ticket_id, subject_id, recipient,
    recipient_role, template_id, state, reason, updated_at, decision
"""
"""What ``announce`` has to know of a mail."""


async def announce(connection: Connection, mails: Iterable[Record]) -> None:
    """As ``tell``, of rows that are as the transaction leaves them."""
    outcomes = [(row, _outcome(row)) for row in mails if row["state"] in _TOLD]
    if not outcomes:
        return
    told = [
        (
            _outcome_id(outcome),
            outcome.ticket_id,
            type_name(type(outcome)),
            outcome.event_id,
            row["correlation_id"],
            row["traceparent"],
            outcome.at,
            serialise(outcome).decode(),
        )
        for row, outcome in outcomes
    ]
    await connection.execute(_ANNOUNCE, *zip(*told, strict=True))


_ANNOUNCE = """
INSERT INTO outbox (outcome_id, ticket_id, type, event_id, correlation_id, traceparent, at, data)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::text[],
    $7::timestamptz[], $8::text[])
ON CONFLICT (outcome_id) DO NOTHING
"""


def _outcome_id(outcome: EmailOutcome) -> UUID:
    """A UUIDv7 (RFC 9562 §5.7) that follows from what is said: said again, it is the same, and is dropped."""
    said = f"{outcome.mail_id} {type(outcome).__name__} {outcome.at.timestamp()}"
    drawn = int.from_bytes(sha256(said.encode()).digest()[:10])
    milliseconds = int(outcome.at.timestamp() * 1000)
    return UUID(
        int=milliseconds << 80 | 0x7 << 76 | (drawn >> 64 & 0xFFF) << 64 | 0b10 << 62 | drawn & (1 << 62) - 1
    )


_TOLD = frozenset({"accepted", "rejected", "dead", "uncertain", "suppressed"})


def _outcome(row: Record) -> EmailOutcome:
    known = {
        "ticket_id": row["ticket_id"],
        "mail_id": row["mail_id"],
        "event_id": row["event_id"],
        "event_version": row["event_version"],
        "subject_id": row["subject_id"],
        "recipient": row["recipient"],
        "recipient_role": row["recipient_role"],
        "template_id": row["template_id"],
        "at": row["updated_at"],
        "decision": None if row["decision"] is None else MailDecision.model_validate_json(row["decision"]),
    }
    if row["state"] == "accepted":
        return EmailAccepted.model_validate(known)
    kinds: Mapping[str, type[EmailRejected | EmailUncertain | EmailSuppressed]] = {
        "rejected": EmailRejected,
        "dead": EmailRejected,
        "uncertain": EmailUncertain,
        "suppressed": EmailSuppressed,
    }
    return kinds[row["state"]].model_validate({**known, "reason": row["reason"] or row["state"]})


async def waits(connection: Connection) -> bool:
    """Whether any outcome is to be published."""
    any_does: bool = await connection.fetchval("SELECT EXISTS (SELECT FROM outbox)")
    return any_does


async def lead(connection: Connection) -> bool:
    """Become the one who publishes until the transaction ends; False when another is."""
    leads: bool = await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LEADER)
    return leads


async def pending(connection: Connection, limit: int) -> list[Pending]:
    """The oldest outcomes that wait, in the order in which they are to be published."""
    rows = await connection.fetch("SELECT * FROM outbox ORDER BY seq LIMIT $1", limit)
    return [Pending(**dict(row)) for row in rows]


async def acknowledge(connection: Connection, seqs: Sequence[int]) -> None:
    """Forget what Kafka has."""
    await connection.execute("DELETE FROM outbox WHERE seq = ANY($1::bigint[])", list(seqs))
