"""Who acts on projections, and who did: leases and the audit table. All SQL about them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from pydantic import BaseModel, ConfigDict
from relato_runtime.auth import Caller
from relato_runtime.database import Connection, Pool

from history_projector.rules import Verb

_LEASE_SECONDS = 60  # longer than any action takes; a process that was killed holds others up no longer


class Held(Exception):
    """Another operator acts on the projection."""

    def __init__(self, name: str, action: str, since: datetime) -> None:
        super().__init__(f"{name} is at it ({action}, since {since:%Y-%m-%d %H:%M:%S} UTC).")


@dataclass(frozen=True, slots=True)
class Asked:
    """What an operator wants, and why."""

    projection: str
    verb: Verb
    who: Caller
    generation: int | None
    reason: str
    dry_run: bool


class Action(BaseModel):
    """Who did what, when and why: a line of the audit table."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    person_id: str
    name: str
    action: str
    generation: int | None
    reason: str
    dry_run: bool


@asynccontextmanager
async def holding(pool: Pool, asked: Asked) -> AsyncIterator[None]:
    """Keep other operators away from a projection; raises ``Held`` while one keeps us away."""
    token, projection, who = uuid4(), asked.projection, asked.who
    taken = await pool.fetchval(_TAKE, projection, token, who.person_id, who.name, asked.verb, _LEASE_SECONDS)
    if not taken:
        row = await pool.fetchrow(
            "SELECT name, action, since FROM operator_leases WHERE projection = $1", projection
        )
        if row is not None:
            raise Held(row["name"], row["action"], row["since"])
        raise Held("Somebody", "just now", datetime.now(UTC))
    try:
        yield
    finally:
        await pool.execute(
            "DELETE FROM operator_leases WHERE projection = $1 AND token = $2", projection, token
        )


async def record(connection: Connection, asked: Asked, generation: int | None) -> None:
    """Write down who does what and why, in the transaction that does it."""
    await connection.execute(
        """
        INSERT INTO operator_actions (person_id, name, projection, action, generation, reason, dry_run)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        *(asked.who.person_id, asked.who.name, asked.projection, asked.verb, generation),
        *(asked.reason, asked.dry_run),
    )


async def recorded(connection: Connection, projection: str, limit: int) -> list[Action]:
    """The latest actions, the last one first."""
    rows = await connection.fetch(
        """
        SELECT at, person_id, name, action, generation, reason, dry_run
        FROM operator_actions WHERE projection = $1 ORDER BY id DESC LIMIT $2
        """,
        projection,
        limit,
    )
    return [Action(**dict(row)) for row in rows]


_TAKE = """
    INSERT INTO operator_leases AS held (projection, token, person_id, name, action, since, until)
    VALUES ($1, $2, $3, $4, $5, now(), now() + make_interval(secs => $6))
    ON CONFLICT (projection) DO UPDATE SET
        token = excluded.token, person_id = excluded.person_id, name = excluded.name,
        action = excluded.action, since = excluded.since, until = excluded.until
    WHERE held.until < now()
    RETURNING true
"""
