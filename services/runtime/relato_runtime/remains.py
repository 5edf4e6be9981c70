"""What is left of people who were erased where rows say no more, and how far a service is: all SQL of it.

A record stands on its topic for longer than the row that it came from or became. So how many there are is
kept when the rows go, until the service's job has rewritten the topic or cut it off.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from relato_runtime import jobs
from relato_runtime.database import Connection
from relato_runtime.jobs import Finding

_FINDINGS = 1_000


async def keep(connection: Connection, person_id: str, numbers: Mapping[str, int]) -> None:
    """So many records of these topics still say something, and the rows that tell so are about to go.

    Inside the caller's transaction. What stands there from before is added to, and not what has gone.
    """
    await connection.execute(
        """
        INSERT INTO erased_records AS known (person_id, topic, number)
        SELECT $1, topic, number FROM unnest($2::text[], $3::int[]) AS said (topic, number) WHERE number > 0
        ON CONFLICT (person_id, topic) DO UPDATE SET gone_at = NULL,
            number = excluded.number + CASE WHEN known.gone_at IS NULL THEN known.number ELSE 0 END
        """,
        *(person_id, list(numbers), list(numbers.values())),
    )


async def gone(connection: Connection, person_id: str, *topics: str) -> None:
    """These topics say nothing of somebody any more, unless the broker is put back: see ``erased.again``."""
    await connection.execute(
        """
        UPDATE erased_records SET gone_at = now()
        WHERE person_id = $1 AND topic = ANY($2::text[]) AND gone_at IS NULL
        """,
        *(person_id, list(topics)),
    )


async def on_topics(connection: Connection, person_id: str) -> dict[str, int]:
    """By topic, how many records still say something that no row tells."""
    rows = await connection.fetch(
        "SELECT topic, number FROM erased_records WHERE person_id = $1 AND gone_at IS NULL", person_id
    )
    return {row["topic"]: row["number"] for row in rows}


class State(NamedTuple):
    """How far a service is with somebody who was erased."""

    erased_at: datetime
    done: bool
    trouble: str | None
    """Why its job, whoever that is about, did not get on when it was last tried."""
    findings: list[Finding]
    """Of the last job about them."""


async def state(connection: Connection, person_id: str, kind: str) -> State | None:
    """How far jobs of this kind are; None of whom the service has not heard that they were erased."""
    row = await connection.fetchrow(
        """
        SELECT erased_at, done_at IS NOT NULL AS done,
            CASE WHEN done_at IS NULL THEN (
                SELECT trouble FROM jobs WHERE kind = $2 AND finished_at IS NULL ORDER BY id DESC LIMIT 1
            ) END AS trouble,
            (SELECT max(id) FROM jobs WHERE kind = $2 AND wish->>'person_id' = $1) AS job
        FROM erased_people WHERE person_id = $1
        """,
        *(person_id, kind),
    )
    if row is None:
        return None
    findings: list[Finding] = []
    if row["job"] is not None:
        findings, _, _ = await jobs.found(connection, row["job"], _FINDINGS)
    return State(row["erased_at"], row["done"], row["trouble"], findings)
