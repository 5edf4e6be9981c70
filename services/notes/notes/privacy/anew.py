"""What had gone from the log's topic may stand there again: jobs begin with it anew. All SQL of that."""

from datetime import UTC, datetime

from relato_runtime import jobs
from relato_runtime.caller import Caller
from relato_runtime.database import Connection
from relato_runtime.operations import Operation
from uuid6 import uuid7

from notes.privacy.erasures import ERASE, PATIENCE_SECONDS, RATE, RETAIN, SUBJECT

_RELATO = Caller("relato", "Relato", frozenset())


async def rewrite_again(connection: Connection) -> bool:
    """A broker that was put back has on its topics what had gone: whether a job begins with them anew.

    What one has reached there is of other topics, so it is taken from whoever is at it; an erasure goes on
    with the ITSM's. Other people are seen to by ``erased.again``; what went by rule by the last such job, or
    else by the one that is under way.
    """
    begun: int = await connection.fetchval(
        """
        WITH under_way AS (
            UPDATE jobs SET claim = NULL, claimed_until = now(), wish = wish || '{"again": true}',
                reached = CASE
                    WHEN reached->>'phase' IN ('topics', 'files') THEN CASE kind
                        WHEN $3 THEN jsonb_build_object('phase', 'people', 'tickets', reached->'tickets')
                        ELSE '{"phase": "topics"}'
                    END
                    ELSE reached
                END
            WHERE subject = $1 AND finished_at IS NULL
            RETURNING id
        ), once_more AS (
            UPDATE jobs SET finished_at = NULL, claim = NULL, claimed_until = now(),
                wish = wish || '{"again": true}', reached = '{"phase": "topics"}'
            WHERE id = (SELECT max(id) FROM jobs WHERE subject = $1 AND kind = $2 AND finished_at IS NOT NULL)
                AND NOT EXISTS (SELECT FROM under_way)
            RETURNING id
        )
        SELECT (SELECT count(*) FROM under_way) + (SELECT count(*) FROM once_more)
        """,
        *(SUBJECT, RETAIN, ERASE),
    )
    return begun > 0


async def rewrite_by_rule(connection: Connection) -> None:
    """A log that was put back knows of no job for what went by rule since, nor how far that had come."""
    if await rewrite_again(connection):
        return
    operation = Operation(SUBJECT, RETAIN, _RELATO, "the log was put back", dry_run=False)
    wish = {
        "before": datetime.min.replace(tzinfo=UTC).isoformat(),
        "rate": RATE,
        "patience": PATIENCE_SECONDS,
        "by": _RELATO.person_id,
        "correlation_id": str(uuid7()),
        "again": True,
    }
    await jobs.begin(connection, operation, wish, None)
