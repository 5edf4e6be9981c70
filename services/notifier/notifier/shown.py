"""Which occurrences templates may be tried with: all SQL about those that their requesters see.

Whoever sets Relato up has no part in tickets. What is internal, or was taken back, is not here,
whatever is asked for: a mail to a requester could not say it either.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from relato_runtime.database import Connection

from notifier.occurrence import Occurrence

_EXCERPT = 200


class Choice(NamedTuple):
    """An occurrence as one chooses it; ``excerpt`` is the beginning of its text."""

    occurrence_id: UUID
    author_name: str
    occurred_at: datetime
    excerpt: str


async def one(connection: Connection, occurrence_id: UUID) -> Occurrence | None:
    """An occurrence, if its requester sees it and its ticket is known."""
    row = await connection.fetchrow(
        """
        SELECT occurrences.* FROM occurrences JOIN tickets USING (ticket_id)
        WHERE occurrence_id = $1 AND visible AND NOT retracted
        """,
        occurrence_id,
    )
    return None if row is None else Occurrence(**dict(row))


async def latest(connection: Connection, ticket_id: str, limit: int) -> Sequence[Choice]:
    """The latest occurrences of a ticket that its requester sees."""
    rows = await connection.fetch(
        """
        SELECT occurrence_id, author_name, occurred_at, left(text, $3) AS excerpt FROM occurrences
        WHERE ticket_id = $1 AND visible AND NOT retracted ORDER BY occurrence_id DESC LIMIT $2
        """,
        ticket_id,
        limit,
        _EXCERPT,
    )
    return [Choice(*row) for row in rows]
