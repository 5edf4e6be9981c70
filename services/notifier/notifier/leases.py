"""Who may send which mails: SQL to claim them, to give them back, and to decide when nobody did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from asyncpg import Record
from relato_runtime.database import Connection, Pool

from notifier import outbox
from notifier.rates import Rate, admit, rate_names
from notifier.sending import GOES_ON


@dataclass(frozen=True, slots=True)
class Leased:
    """A mail that this process alone may send, for a while."""

    mail_id: UUID
    ticket_id: str
    sender: str
    recipient: str
    source: bytes
    attempt: int
    tries: int
    """Attempts since it was planned, or since somebody had it sent again."""
    since: datetime
    """When that was."""
    traceparent: str | None


async def claim(
    pool: Pool, limit: int, lease: UUID, lasting: timedelta, limits: Mapping[str, Rate]
) -> tuple[list[Leased], bool]:
    """Lease mails that are due and whose turn it is; and whether any was due at all.

    What one recipient hears of one ticket goes out in the order in which it was planned; only a mail
    that has to be tried again is overtaken.
    """
    async with pool.acquire() as connection, connection.transaction():
        due = await connection.fetch(
            f"""
            SELECT mail_id, recipient, slots, clock_timestamp() AS now FROM mails AS mail
            WHERE state IN ('planned', 'retry') AND due_at <= clock_timestamp() AND {GOES_ON}
                AND NOT EXISTS (
                    SELECT FROM mails AS earlier
                    WHERE earlier.ticket_id = mail.ticket_id AND earlier.recipient = mail.recipient
                        AND earlier.state IN ('planned', 'leased', 'submitting')
                        AND (earlier.planned_at, earlier.event_version, earlier.mail_id)
                            < (mail.planned_at, mail.event_version, mail.mail_id)
                )
            ORDER BY due_at, mail_id LIMIT $1 FOR UPDATE SKIP LOCKED
            """,  # noqa: S608  # constants alone
            limit,
        )
        if not due:
            return [], False
        ready = await _take_turns(connection, due, limits)
        rows = await connection.fetch(
            """
            UPDATE mails SET state = 'leased', lease = $2, leased_until = clock_timestamp() + $3,
                slots = 0, attempts = attempts + 1, updated_at = clock_timestamp()
            WHERE mail_id = ANY($1::uuid[])
            RETURNING mail_id, ticket_id, sender, recipient, source, attempts AS attempt,
                attempts - attempts_before AS tries, coalesce(patience_from, planned_at) AS since, traceparent
            """,
            *(ready, lease, lasting),
        )
        return [Leased(**dict(row)) for row in rows], True


async def _take_turns(
    connection: Connection, due: Sequence[Record], limits: Mapping[str, Rate]
) -> list[UUID]:
    """Put off what comes too early for its recipient or domain, and return the others."""
    names = sorted({name for row in due for name in rate_names(row["recipient"])})
    await connection.execute(
        "INSERT INTO rates (name, next_at) SELECT unnest($1::text[]), now() ON CONFLICT DO NOTHING", names
    )
    rates = await connection.fetch(
        "SELECT name, next_at FROM rates WHERE name = ANY($1::text[]) ORDER BY name FOR UPDATE", names
    )
    next_at: dict[str, datetime] = {row["name"]: row["next_at"] for row in rates}
    turns = {
        row["mail_id"]: admit(row["recipient"], row["slots"], next_at, row["now"], limits) for row in due
    }
    await connection.execute(
        """
        UPDATE rates SET next_at = given.next_at
        FROM unnest($1::text[], $2::timestamptz[]) AS given (name, next_at) WHERE rates.name = given.name
        """,
        *(list(next_at), list(next_at.values())),
    )
    put_off = [(mail_id, turn.due_at, turn.slots) for mail_id, turn in turns.items() if not turn.now]
    if put_off:
        await connection.executemany("UPDATE mails SET due_at = $2, slots = $3 WHERE mail_id = $1", put_off)
    return [mail_id for mail_id, turn in turns.items() if turn.now]


async def release(pool: Pool, mails: Sequence[Leased], lease: UUID) -> None:
    """Give back mails that nobody has begun to hand over, as if they had not been claimed."""
    async with pool.acquire() as connection:
        await connection.execute(
            """
            UPDATE mails SET state = 'planned', lease = NULL, leased_until = NULL, attempts = attempts - 1,
                updated_at = clock_timestamp()
            FROM unnest($1::uuid[], $2::int[]) AS given (mail_id, attempt)
            WHERE mails.mail_id = given.mail_id AND mails.attempts = given.attempt AND lease = $3
                AND state = 'leased'
            """,
            [mail.mail_id for mail in mails],
            [mail.attempt for mail in mails],
            lease,
        )


async def expire(pool: Pool) -> int:
    """Decide about what was held by processes that are gone; returns how many became uncertain."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            """
            UPDATE mails SET state = 'planned', lease = NULL, leased_until = NULL,
                updated_at = clock_timestamp()
            WHERE state = 'leased' AND leased_until < clock_timestamp()
            """
        )
        rows = await connection.fetch(
            """
            UPDATE mails SET state = 'uncertain', reason = 'the process ended while handing it over',
                leased_until = NULL, updated_at = clock_timestamp()
            WHERE state = 'submitting' AND leased_until < clock_timestamp()
            RETURNING mail_id, attempts
            """
        )
        if rows:
            await connection.executemany(
                "UPDATE attempts SET outcome = 'uncertain' WHERE mail_id = $1 AND attempt = $2",
                [(row["mail_id"], row["attempts"]) for row in rows],
            )
            await outbox.tell(connection, [row["mail_id"] for row in rows])
        return len(rows)


async def tidy(pool: Pool) -> None:
    """Forget rates that have no mails to hold back any more."""
    await pool.execute("DELETE FROM rates WHERE next_at < now() - interval '1 hour'")
