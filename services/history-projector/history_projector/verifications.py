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
    reached: str
    compared: int
    total: int


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
    """Write down what was found about the next tickets; false where somebody else has done so already."""
    moved = await connection.fetchval(
        """
        UPDATE verifications SET
            reached = $3, compared = compared + $4, claimed_until = now() + make_interval(secs => $5)
        WHERE id = $1 AND reached = $2 RETURNING true
        """,
        *(before.id, before.reached, tickets[-1], len(tickets), _CLAIM_SECONDS),
    )
    if moved:
        await connection.executemany(
            "INSERT INTO verification_findings VALUES ($1, $2, $3, $4, $5::jsonb, $6)",
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
    await pool.execute("UPDATE verifications SET finished_at = now() WHERE id = $1", of)


async def latest(connection: Connection) -> Verification | None:
    """The last one that was asked for."""
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM verifications ORDER BY id DESC LIMIT 1")  # noqa: S608  # columns of ours
    return None if row is None else Verification(*row)


async def found(connection: Connection, of: int, limit: int) -> tuple[list[Finding], int]:
    """What a verification found, up to a limit, and how much that is."""
    rows = await connection.fetch(
        """
        SELECT ticket_id, kind, part, key::text, columns FROM verification_findings
        WHERE verification = $1 ORDER BY ticket_id, part, key::text LIMIT $2
        """,
        of,
        limit,
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
    return findings, number
