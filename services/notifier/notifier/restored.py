"""A ledger that was put back from a backup, or announces to a broker that was: all SQL about it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from relato_runtime.database import Connection

from notifier import outbox

UNKNOWN = "the database was put back from a backup; the mail may have gone out before"
_LARGE_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Told:
    """What Kafka knows to have become of a mail."""

    mail_id: UUID
    state: str
    reason: str | None
    at: datetime


async def lacking(connection: Connection, told: Sequence[Told]) -> list[Told]:
    """Those outcomes that the ledger lacks; it changes with what it tells, and would be as far at least."""
    rows = await connection.fetch(
        "SELECT mail_id, updated_at FROM mails WHERE mail_id = ANY($1::uuid[])",
        [each.mail_id for each in told],
    )
    reached: dict[UUID, datetime] = {row["mail_id"]: row["updated_at"] for row in rows}
    return [each for each in told if each.mail_id not in reached or reached[each.mail_id] < each.at]


async def keep(connection: Connection, told: Sequence[Told]) -> None:
    """Keep what Kafka knows; of what it was told of a mail, the last word counts."""
    await connection.executemany(
        """
        INSERT INTO told_before AS before (mail_id, state, reason, at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (mail_id) DO UPDATE
            SET state = excluded.state, reason = excluded.reason, at = excluded.at
            WHERE before.at <= excluded.at
        """,
        [(each.mail_id, each.state, each.reason, each.at) for each in told],
    )


async def settle_all(connection: Connection, noticed_at: datetime) -> int:
    """Decide about every mail of a ledger that was put back; returns how many are uncertain by that."""
    await connection.execute(
        """
        INSERT INTO put_back (noticed_at) VALUES ($1)
        ON CONFLICT (one) DO UPDATE SET noticed_at = greatest(put_back.noticed_at, excluded.noticed_at)
        """,
        noticed_at,
    )
    await connection.execute(
        """
        UPDATE mails SET state = told.state, reason = told.reason, updated_at = told.at,
            lease = NULL, leased_until = NULL
        FROM told_before AS told WHERE mails.mail_id = told.mail_id AND mails.updated_at < told.at
        """,
        timeout=_LARGE_SECONDS,
    )
    rows = await connection.fetch(
        """
        UPDATE mails SET state = 'uncertain', reason = $1, updated_at = clock_timestamp(),
            lease = NULL, leased_until = NULL
        WHERE state IN ('planned', 'leased', 'submitting', 'retry')
        RETURNING mail_id
        """,
        UNKNOWN,
        timeout=_LARGE_SECONDS,
    )
    await outbox.tell(connection, [row["mail_id"] for row in rows])
    return len(rows)


async def settle(connection: Connection, mail_ids: Iterable[UUID]) -> tuple[set[UUID], set[UUID]]:
    """Decide about mails that were planned just now and may have been before the ledger was put back.

    Returns those of which Kafka knows already, and those that are uncertain by this.
    """
    planned = list(mail_ids)
    if await connection.fetchval("SELECT NOT EXISTS (SELECT FROM put_back)"):
        return set(), set()
    known = await connection.fetch(
        """
        UPDATE mails SET state = told.state, reason = told.reason, updated_at = told.at
        FROM told_before AS told WHERE mails.mail_id = told.mail_id AND mails.mail_id = ANY($1::uuid[])
        RETURNING mails.mail_id
        """,
        planned,
    )
    doubted = await connection.fetch(
        """
        UPDATE mails SET state = 'uncertain', reason = $2, updated_at = clock_timestamp()
        WHERE mail_id = ANY($1::uuid[]) AND state = 'planned'
            AND event_at <= (SELECT noticed_at FROM put_back)
        RETURNING mail_id
        """,
        planned,
        UNKNOWN,
    )
    return {row["mail_id"] for row in known}, {row["mail_id"] for row in doubted}


async def tickets(connection: Connection) -> list[str]:
    """All tickets with mails."""
    rows = await connection.fetch("SELECT DISTINCT ticket_id FROM mails", timeout=_LARGE_SECONDS)
    return [row["ticket_id"] for row in rows]


async def tell_again(
    connection: Connection, ticket_ids: Sequence[str], since: datetime | None, margin: timedelta
) -> int:
    """Announce once more what became of these tickets' mails, from some time before ``since`` on, or ever."""
    rows = await connection.fetch(
        """
        SELECT mail_id FROM mails
        WHERE ticket_id = ANY($1::text[]) AND state NOT IN ('planned', 'leased', 'submitting', 'retry')
            AND ($2::timestamptz IS NULL OR updated_at > $2 - $3::interval)
        """,
        list(ticket_ids),
        since,
        margin,
        timeout=_LARGE_SECONDS,
    )
    await outbox.tell(connection, [row["mail_id"] for row in rows])
    return len(rows)
