"""Up to where published heads vouch for each ticket, beside the log: all SQL of that.

It is read off the topic alone: what the tree's tables say of it, whoever has the database can write.
"""

from collections.abc import Sequence
from typing import NamedTuple

from relato_runtime.database import Connection

from notes.proof.tree import Leaf

_LARGE_SECONDS = 600


class Bare(NamedTuple):
    """A ticket of which something has been in the log for long, and is in no published head."""

    ticket_id: str
    sealed: int
    """Up to which version somebody vouches for it; 0 for none."""


async def begin(connection: Connection, seconds: int) -> None:
    """Note what has had its time to be sealed: all that is older than that, or of a time to come.

    Not what a release without chains has recorded: it is chained first, after an upgrade all of it.
    """
    await connection.execute(
        """
        INSERT INTO checked_heads (ticket_id, due)
        SELECT ticket_id, max(version) FROM events
        WHERE hash IS NOT NULL AND recorded_at NOT BETWEEN
            now() - make_interval(secs => $1) AND now() + make_interval(secs => $1)
        GROUP BY ticket_id
        """,
        seconds,
        timeout=_LARGE_SECONDS,
    )


async def keep(connection: Connection, leaves: Sequence[Leaf]) -> None:
    """Add what was read: a leaf vouches for its ticket up to its version."""
    await connection.execute(
        """
        INSERT INTO checked_heads (ticket_id, sealed)
        SELECT ticket_id, max(version) FROM unnest($1::text[], $2::int[]) AS leaf (ticket_id, version)
        GROUP BY ticket_id
        ON CONFLICT (ticket_id) DO UPDATE SET sealed = greatest(checked_heads.sealed, excluded.sealed)
        """,
        [each.ticket_id for each in leaves],
        [each.version for each in leaves],
        timeout=_LARGE_SECONDS,
    )


async def lacking(connection: Connection) -> list[Bare]:
    """The tickets for which no head vouches as far as one was to."""
    rows = await connection.fetch(
        "SELECT ticket_id, sealed FROM checked_heads WHERE due > sealed ORDER BY ticket_id",
        timeout=_LARGE_SECONDS,
    )
    return [Bare(**dict(row)) for row in rows]
