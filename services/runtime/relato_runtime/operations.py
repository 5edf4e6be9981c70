"""Who acts as an operator, and who did: leases and the audit table of a service. All SQL about them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from pydantic import BaseModel, ConfigDict

from relato_runtime.caller import Caller
from relato_runtime.database import Connection, Pool
from relato_runtime.refusals import Held

_LEASE_SECONDS = 60  # longer than any action takes; a process that was killed holds others up no longer


@dataclass(frozen=True, slots=True)
class Operation:
    """What an operator does, to what, and why."""

    subject: str
    action: str
    who: Caller
    reason: str
    dry_run: bool


class Operated(BaseModel):
    """Who did what, when and why: a line of the audit table."""

    model_config = ConfigDict(frozen=True)

    id: int
    at: datetime
    person_id: str
    name: str
    subject: str
    action: str
    target: str | None
    reason: str
    dry_run: bool


@asynccontextmanager
async def alone(pool: Pool, operation: Operation) -> AsyncIterator[None]:
    """Keep other operators away from the subject; raises ``Held`` while one keeps us away.

    A dry run changes nothing, and keeps nobody away.
    """
    if operation.dry_run:
        yield
        return
    token, who, subject = uuid4(), operation.who, operation.subject
    given = (subject, token, who.person_id, who.name, operation.action, _LEASE_SECONDS)
    if not await pool.fetchval(_TAKE, *given):
        row = await pool.fetchrow(
            "SELECT name, action, since FROM operation_leases WHERE subject = $1", subject
        )
        if row is not None:
            raise Held(row["name"], row["action"], row["since"].astimezone(UTC))
        raise Held("Somebody", "just now", datetime.now(UTC))
    try:
        yield
    finally:
        await pool.execute("DELETE FROM operation_leases WHERE subject = $1 AND token = $2", subject, token)


async def record(connection: Connection, operation: Operation, target: str | None = None) -> None:
    """Write down who does what and why, in the transaction that does it."""
    await connection.execute(
        """
        INSERT INTO operations (person_id, name, subject, action, target, reason, dry_run)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        *(operation.who.person_id, operation.who.name, operation.subject, operation.action, target),
        *(operation.reason, operation.dry_run),
    )


async def recorded(
    connection: Connection, limit: int, *, subject: str | None = None, before: int | None = None
) -> list[Operated]:
    """The latest operations, the last one first; of one subject or all, and before one with that id."""
    rows = await connection.fetch(
        """
        SELECT id, at, person_id, name, subject, action, target, reason, dry_run FROM operations
        WHERE ($2::text IS NULL OR subject = $2) AND ($3::bigint IS NULL OR id < $3)
        ORDER BY id DESC LIMIT $1
        """,
        *(limit, subject, before),
    )
    return [Operated(**dict(row)) for row in rows]


_TAKE = """
    INSERT INTO operation_leases AS held (subject, token, person_id, name, action, since, until)
    VALUES ($1, $2, $3, $4, $5, now(), now() + make_interval(secs => $6))
    ON CONFLICT (subject) DO UPDATE SET
        token = excluded.token, person_id = excluded.person_id, name = excluded.name,
        action = excluded.action, since = excluded.since, until = excluded.until
    WHERE held.until < now()
    RETURNING true
"""
