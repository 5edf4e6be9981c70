"""New rows of the ledger, and what planning them needs to know of earlier ones: SQL alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from relato_runtime.database import Connection

from notifier import outbox, restored


@dataclass(frozen=True, slots=True)
class Mail:
    """A new row of the ledger: a mail to send, or one that is suppressed for a reason."""

    mail_id: UUID
    event_id: UUID
    event_version: int
    event_at: datetime
    correlation_id: str | None
    traceparent: str | None
    ticket_id: str
    subject_id: UUID
    parameter: int
    recipient: str
    recipient_role: str
    template_id: str
    state: Literal["planned", "suppressed"]
    reason: str | None = None
    sender: str | None = None
    message_id: str | None = None
    source: bytes | None = None
    event_type: str | None = None
    event_data: str | None = None


async def plan(connection: Connection, mails: Sequence[Mail]) -> None:
    """Add mails that are not there yet; those that are decided are told at once.

    Mails of before a backup was put back are what Kafka knows them to be, or uncertain.
    """
    if not mails:
        return
    await connection.execute(_PLAN, *zip(*map(astuple, mails), strict=True))
    known, doubted = await restored.settle(connection, [mail.mail_id for mail in mails])
    suppressed = {mail.mail_id for mail in mails if mail.state == "suppressed"}
    await outbox.tell(connection, (suppressed - known) | doubted)


_PLAN = """
INSERT INTO mails (mail_id, event_id, event_version, event_at, correlation_id, traceparent, ticket_id,
    subject_id, parameter, recipient, recipient_role, template_id, state, reason, sender, message_id, source,
    event_type, event_data)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::timestamptz[], $5::text[], $6::text[], $7::text[],
    $8::uuid[], $9::int[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[],
    $16::text[], $17::bytea[], $18::text[], $19::text[])
ON CONFLICT (event_id, recipient, template_id) WHERE recipient <> '[erased]' DO NOTHING
"""


async def replace(connection: Connection, mail_id: UUID, mails: Sequence[Mail]) -> bool:
    """Send, in the place of a suppressed mail that is locked, these; False when all are there already.

    Each is there once: a mail that is itself in the place, or a row of its own that was not there.
    """
    changed = 0
    for mail in mails:
        if mail.mail_id == mail_id:
            status = await connection.execute(
                """
                UPDATE mails SET state = 'planned', reason = NULL, recipient_role = $2, sender = $3,
                    message_id = $4, source = $5, due_at = now(), slots = 0, lease = NULL,
                    event_type = NULL, event_data = NULL, patience_from = now(),
                    updated_at = clock_timestamp()
                WHERE mail_id = $1
                """,
                *(mail_id, mail.recipient_role, mail.sender, mail.message_id, mail.source),
            )
            changed += status.endswith(" 1")
        elif not await connection.fetchval("SELECT true FROM mails WHERE mail_id = $1", mail.mail_id):
            await plan(connection, [mail])
            changed += 1
    if changed and all(mail.mail_id != mail_id for mail in mails):
        recipients = ", ".join(mail.recipient for mail in mails)
        await connection.execute(
            "UPDATE mails SET reason = $2, event_type = NULL, event_data = NULL WHERE mail_id = $1",
            *(mail_id, f"released to {recipients}"),
        )
    return changed > 0


async def seen(connection: Connection, event_ids: Iterable[UUID]) -> set[UUID]:
    """Those of these events that have their mails."""
    rows = await connection.fetch(
        "SELECT DISTINCT event_id FROM mails WHERE event_id = ANY($1::uuid[])", list(event_ids)
    )
    return {row["event_id"] for row in rows}


async def threads(connection: Connection, ticket_ids: Iterable[str]) -> dict[tuple[str, str], list[str]]:
    """By ticket and recipient, the Message-IDs of the first mail and of the last."""
    rows = await connection.fetch(
        """
        SELECT ticket_id, recipient,
            (array_agg(message_id ORDER BY planned_at, event_version))[1] AS first,
            (array_agg(message_id ORDER BY planned_at DESC, event_version DESC))[1] AS last
        FROM mails WHERE ticket_id = ANY($1::text[]) AND message_id IS NOT NULL
        GROUP BY ticket_id, recipient
        """,
        list(ticket_ids),
    )
    return {(row["ticket_id"], row["recipient"]): [row["first"], row["last"]] for row in rows}


async def chat_mails(
    connection: Connection, ticket_ids: Iterable[str]
) -> dict[tuple[str, str, bool], list[datetime]]:
    """By ticket, recipient and whether they were suppressed: the times of what chat mails were about."""
    chats = list(ticket_ids)
    if not chats:
        return {}
    rows = await connection.fetch(
        """
        SELECT ticket_id, recipient, state = 'suppressed' AS suppressed, array_agg(event_at) AS times
        FROM mails WHERE ticket_id = ANY($1::text[]) AND parameter = 447
        GROUP BY 1, 2, 3
        """,
        chats,
    )
    return {(row["ticket_id"], row["recipient"], row["suppressed"]): list(row["times"]) for row in rows}


async def withdraw(connection: Connection, occurrences: Mapping[UUID, str]) -> None:
    """Suppress what is not sent yet about occurrences that were ``retracted`` or ``hidden``."""
    rows = await connection.fetch(
        """
        UPDATE mails SET state = 'suppressed', reason = gone.reason, lease = NULL, leased_until = NULL,
            updated_at = clock_timestamp()
        FROM unnest($1::uuid[], $2::text[]) AS gone (occurrence_id, reason)
        WHERE subject_id = gone.occurrence_id AND state IN ('planned', 'retry', 'leased')
            AND (gone.reason = 'retracted' OR recipient_role = 'requester')
        RETURNING mail_id
        """,
        list(occurrences),
        list(occurrences.values()),
    )
    await outbox.tell(connection, [row["mail_id"] for row in rows])
