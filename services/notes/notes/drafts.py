"""What somebody began to write: one draft for each person, ticket and kind; no event, and all its SQL."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from relato_runtime.database import Pool

DraftKind = Literal["occurrence", "message", "chat"]


async def load(
    pool: Pool, person_id: str, ticket_id: str, kind: DraftKind
) -> tuple[Mapping[str, object], datetime] | None:
    """The draft and when it was saved."""
    row = await pool.fetchrow(
        """
        SELECT body::text, updated_at FROM drafts WHERE person_id = $1 AND ticket_id = $2 AND kind = $3
        """,
        *(person_id, ticket_id, kind),
    )
    return None if row is None else (json.loads(row["body"]), row["updated_at"])


async def all_of(
    pool: Pool, person_id: str, ticket_id: str
) -> Sequence[tuple[DraftKind, Mapping[str, object], datetime]]:
    """The person's drafts on a ticket, by kind."""
    rows = await pool.fetch(
        """
        SELECT kind, body::text, updated_at FROM drafts WHERE person_id = $1 AND ticket_id = $2 ORDER BY kind
        """,
        *(person_id, ticket_id),
    )
    return [(row["kind"], json.loads(row["body"]), row["updated_at"]) for row in rows]


async def save(
    pool: Pool, person_id: str, ticket_id: str, kind: DraftKind, body: Mapping[str, object]
) -> datetime:
    """Keep a draft in place of the one before."""
    saved: datetime = await pool.fetchval(
        """
        INSERT INTO drafts (person_id, ticket_id, kind, body) VALUES ($1, $2, $3, $4::jsonb)
        ON CONFLICT (person_id, ticket_id, kind) DO UPDATE SET body = excluded.body, updated_at = now()
        RETURNING updated_at
        """,
        *(person_id, ticket_id, kind, json.dumps(body)),
    )
    return saved


async def discard(pool: Pool, person_id: str, ticket_id: str, kind: DraftKind) -> None:
    """Remove a draft; removing none is fine."""
    await pool.execute(
        "DELETE FROM drafts WHERE person_id = $1 AND ticket_id = $2 AND kind = $3",
        *(person_id, ticket_id, kind),
    )
