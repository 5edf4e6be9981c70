"""What somebody began to write: one draft for each person, ticket and kind; no event, and all its SQL.

A draft's tag follows from what it says, so whoever replaces what they know loses nothing else.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from relato_runtime.database import Pool

DraftKind = Literal["occurrence", "message", "chat"]


class Changed(Exception):
    """The draft is not the one that the caller knows."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What was written so far, when that was saved, and what tells it from other states of it."""

    kind: DraftKind
    body: Mapping[str, object]
    saved_at: datetime
    tag: str


async def load(pool: Pool, person_id: str, ticket_id: str, kind: DraftKind) -> Draft | None:
    """The person's draft of this kind on a ticket."""
    return next((each for each in await all_of(pool, person_id, ticket_id) if each.kind == kind), None)


async def all_of(pool: Pool, person_id: str, ticket_id: str) -> Sequence[Draft]:
    """The person's drafts on a ticket, by kind."""
    rows = await pool.fetch(_ALL, person_id, ticket_id)
    return [Draft(row["kind"], json.loads(row["body"]), row["updated_at"], row["tag"]) for row in rows]


async def save(
    pool: Pool,
    person_id: str,
    ticket_id: str,
    kind: DraftKind,
    body: Mapping[str, object],
    *,
    known: str | None = None,
) -> Draft:
    """Keep a draft in place of the one before, whose tag is ``known`` (empty: of none; ``None``: of any)."""
    row = await pool.fetchrow(_SAVE, person_id, ticket_id, kind, json.dumps(body), known)
    if row is None:
        raise Changed
    return Draft(kind, body, row["updated_at"], row["tag"])


async def discard(
    pool: Pool, person_id: str, ticket_id: str, kind: DraftKind, known: str | None = None
) -> None:
    """Remove the draft whose tag is ``known`` (``None``: any); removing none is fine."""
    await pool.execute(_DISCARD, person_id, ticket_id, kind, known)
    if known is not None and await load(pool, person_id, ticket_id, kind) is not None:
        raise Changed


# jsonb has one text for what is equal.
_ALL = """
SELECT kind, body::text, updated_at,
    encode(sha256(convert_to(body::text, 'UTF8')), 'hex') AS tag
FROM drafts WHERE person_id = $1 AND ticket_id = $2 ORDER BY kind
"""
_SAVE = """
WITH before AS (
    SELECT encode(sha256(convert_to(body::text, 'UTF8')), 'hex') AS tag
    FROM drafts WHERE person_id = $1 AND ticket_id = $2 AND kind = $3 FOR UPDATE
)
INSERT INTO drafts (person_id, ticket_id, kind, body)
SELECT $1, $2, $3, $4::jsonb
WHERE $5::text IS NULL OR $5 = coalesce((SELECT tag FROM before), '')
ON CONFLICT (person_id, ticket_id, kind) DO UPDATE SET body = excluded.body, updated_at = now()
WHERE $5::text IS DISTINCT FROM ''
RETURNING updated_at, encode(sha256(convert_to(body::text, 'UTF8')), 'hex') AS tag
"""
_DISCARD = """
DELETE FROM drafts
WHERE person_id = $1 AND ticket_id = $2 AND kind = $3
    AND ($4::text IS NULL OR $4 = encode(sha256(convert_to(body::text, 'UTF8')), 'hex'))
"""
