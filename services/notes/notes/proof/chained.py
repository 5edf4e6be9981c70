"""Which events of the log are chained: all SQL about that."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from relato_contracts.commitments import SALT_BYTES
from relato_runtime.database import Connection


@dataclass(frozen=True, slots=True)
class Unchained:
    """An event that was recorded before there were chains, with the salt that it gets."""

    ticket_id: str
    version: int
    event_id: UUID
    type: str
    actor: str
    correlation_id: str
    recorded_at: datetime
    data: str
    salt: bytes
    openings: None = None


async def lacking(connection: Connection, after: str, limit: int) -> list[str]:
    """The next tickets, by their ids, some of whose events are not chained."""
    rows = await connection.fetch(
        """
        SELECT ticket_id FROM streams WHERE ticket_id > $1 AND chained < version
        ORDER BY ticket_id LIMIT $2
        """,
        *(after, limit),
    )
    return [row["ticket_id"] for row in rows]


async def unchained(connection: Connection, ticket_id: str, after: int, up_to: int) -> list[Unchained]:
    """A ticket's events behind a version, up to another, in order."""
    rows = await connection.fetch(
        """
        SELECT ticket_id, version, event_id, type, actor, correlation_id, recorded_at, data::text
        FROM events WHERE ticket_id = $1 AND version > $2 AND version <= $3 ORDER BY version
        """,
        *(ticket_id, after, up_to),
    )
    return [Unchained(**dict(row), salt=secrets.token_bytes(SALT_BYTES)) for row in rows]


async def keep(
    connection: Connection, ticket_id: str, up_to: int, events: Sequence[Unchained], linked: Sequence[bytes]
) -> None:
    """The ticket's chain now stands up to a version, with these hashes of its events."""
    await connection.execute(
        """
        WITH linked AS (
            UPDATE events SET salt = now.salt, hash = now.hash
            FROM unnest($1::int[], $2::bytea[], $3::bytea[])
                AS now (version, salt, hash)
            WHERE events.ticket_id = $4 AND events.version = now.version
        )
        UPDATE streams SET chained = $5, head = coalesce($6, head) WHERE ticket_id = $4
        """,
        [each.version for each in events],
        [each.salt for each in events],
        linked,
        *(ticket_id, up_to, linked[-1] if linked else None),
    )


async def hashes(connection: Connection, versions: Sequence[tuple[str, int]]) -> dict[tuple[str, int], bytes]:
    """The hashes of these tickets' versions, as far as the log has them."""
    rows = await connection.fetch(
        """
        SELECT ticket_id, version, hash FROM events
        WHERE (ticket_id, version) IN (SELECT * FROM unnest($1::text[], $2::int[])) AND hash IS NOT NULL
        """,
        [ticket_id for ticket_id, _ in versions],
        [version for _, version in versions],
    )
    return {(row["ticket_id"], row["version"]): row["hash"] for row in rows}
