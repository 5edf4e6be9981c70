"""All SQL about verifications: one at a time, claimed by the process that works on it, with its findings."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from relato_runtime.database import Connection, Pool
from relato_runtime.refusals import Held

from history_projector.asked import Asked
from history_projector.comparing import Finding

_CLAIM_SECONDS = 15


class Verification(NamedTuple):
    """A comparison of a generation with another that counts as right."""

    id: int
    generation: int
    against: int
    person_id: str
    name: str
    started_at: datetime
    finished_at: datetime | None
    cancelled: bool
    reached: str
    compared: int
    total: int


class Compared(NamedTuple):
    """When two generations were last compared to the end, if ever, and how many differences that found."""

    compared_at: datetime | None = None
    differences: int | None = None


_COLUMNS = ", ".join(Verification._fields)


async def begin(connection: Connection, asked: Asked, number: int, against: int, total: int) -> None:
    """Let some process compare two generations."""
    await connection.execute(
        """
        INSERT INTO verifications (generation, against, person_id, name, total) VALUES ($1, $2, $3, $4, $5)
        """,
        *(number, against, asked.who.person_id, asked.who.name, total),
    )


async def none_runs(connection: Connection) -> None:
    """Raise ``Held`` while a verification runs: nothing may change under it."""
    row = await connection.fetchrow("SELECT name, started_at FROM verifications WHERE finished_at IS NULL")
    if row is not None:
        raise Held(row["name"], "verify", row["started_at"])


async def stop(connection: Connection) -> int | None:
    """End the one that is under way, wherever it is: the generation that it was about, if there was one."""
    generation: int | None = await connection.fetchval(
        """
        UPDATE verifications SET finished_at = now(), cancelled = true
        WHERE finished_at IS NULL RETURNING generation
        """
    )
    return generation


async def claim(pool: Pool) -> Verification | None:
    """The one that is under way, if nobody works on it; from now on we do, for as long as we say so."""
    row = await pool.fetchrow(
        f"""
        UPDATE verifications SET claimed_until = now() + make_interval(secs => $1)
        WHERE finished_at IS NULL AND claimed_until < now() RETURNING {_COLUMNS}
        """,  # noqa: S608  # columns of ours
        _CLAIM_SECONDS,
    )
    return None if row is None else Verification(*row)


async def renew(pool: Pool, of: int) -> None:
    """We still work on it."""
    await pool.execute(
        "UPDATE verifications SET claimed_until = now() + make_interval(secs => $2) WHERE id = $1",
        of,
        _CLAIM_SECONDS,
    )


async def step(
    connection: Connection, before: Verification, tickets: Sequence[str], findings: Sequence[Finding]
) -> bool:
    """Write down what was found about the next tickets; false where somebody else has, or it was ended."""
    moved = await connection.fetchval(
        """
        UPDATE verifications SET
            reached = $3, compared = compared + $4, claimed_until = now() + make_interval(secs => $5)
        WHERE id = $1 AND reached = $2 AND finished_at IS NULL RETURNING true
        """,
        *(before.id, before.reached, tickets[-1], len(tickets), _CLAIM_SECONDS),
    )
    if moved:
        await connection.executemany(
            """
            INSERT INTO verification_findings (verification, ticket_id, kind, part, key, columns)
            VALUES ($1, $2, $3, $4, $5::jsonb, $6)
            """,
            [
                (
                    before.id, each.ticket_id, each.kind, each.part,
                    None if each.key is None else json.dumps(each.key), list(each.columns),
                )
                for each in findings
            ],
        )  # fmt: skip
    return bool(moved)


async def finish(pool: Pool, of: int) -> None:
    """There are no more tickets."""
    await pool.execute(
        "UPDATE verifications SET finished_at = now() WHERE id = $1 AND finished_at IS NULL", of
    )


async def latest(connection: Connection) -> Verification | None:
    """The last one that was asked for."""
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM verifications ORDER BY id DESC LIMIT 1")  # noqa: S608  # columns of ours
    return None if row is None else Verification(*row)


async def compared(connection: Connection, one: int, other: int) -> Compared:
    """The last comparison of two generations that came to its end, whichever of them counted as right."""
    row = await connection.fetchrow(
        """
        SELECT finished_at,
            (SELECT count(*) FROM verification_findings WHERE verification = verifications.id) AS differences
        FROM verifications
        WHERE finished_at IS NOT NULL AND NOT cancelled
            AND (generation, against) IN (($1::int, $2::int), ($2, $1))
        ORDER BY id DESC LIMIT 1
        """,
        *(one, other),
    )
    return Compared() if row is None else Compared(*row)


class Found(NamedTuple):
    """Some of what a verification found, where that goes on, and how much there is in all."""

    findings: list[Finding]
    next_after: int | None
    number: int


async def found(connection: Connection, of: int, limit: int, after: int) -> Found:
    """What a verification found, up to a limit behind a place, in the order of tickets."""
    rows = await connection.fetch(
        """
        SELECT place, ticket_id, kind, part, key::text, columns FROM verification_findings
        WHERE verification = $1 AND place > $3 ORDER BY place LIMIT $2
        """,
        *(of, limit, after),
    )
    number = await connection.fetchval(
        "SELECT count(*) FROM verification_findings WHERE verification = $1", of
    )
    findings = [
        Finding(
            row["ticket_id"],
            row["kind"],
            row["part"],
            None if row["key"] is None else json.loads(row["key"]),
            tuple(row["columns"]),
        )
        for row in rows
    ]
    return Found(findings, rows[-1]["place"] if len(rows) == limit else None, number)
