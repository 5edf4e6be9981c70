"""A ticket's header for executors: what was asked for, and the requester's other tickets."""

from collections.abc import Sequence
from dataclasses import dataclass

from relato_runtime.database import Pool

from portal_query.read import Row
from portal_query.statements import MINE

SHOWN = 5
"""How many of the requester's other tickets are named."""


@dataclass(frozen=True, slots=True)
class About:
    """What a requester asked for, and their latest other tickets that the reader may see."""

    description: str | None
    others: Sequence[Row]
    more: bool


async def ticket(pool: Pool, person_id: str, ticket_id: str) -> About:
    """About a ticket that the person may see."""
    rows = await pool.fetch(_ABOUT, person_id, ticket_id, SHOWN + 1)
    others = [row for row in rows if row["ticket_id"] is not None]
    return About(rows[0]["description"] if rows else None, others[:SHOWN], len(others) > SHOWN)


# By the ITSM's word, which is not of any generation and has an index by requester.
_ABOUT = f"""
{MINE}
SELECT it.description, other.ticket_id, other.title, other.status
FROM reference.tickets AS it
LEFT JOIN LATERAL (
    SELECT o.ticket_id, o.title, o.status, o.opened_at FROM reference.tickets AS o
    WHERE o.requester_id = it.requester_id AND o.ticket_id <> it.ticket_id
      AND o.group_id IN (SELECT group_id FROM mine)
    ORDER BY o.opened_at DESC, o.ticket_id DESC LIMIT $3
) AS other ON true
WHERE it.ticket_id = $2
ORDER BY other.opened_at DESC, other.ticket_id DESC
"""  # noqa: S608  # constants alone
