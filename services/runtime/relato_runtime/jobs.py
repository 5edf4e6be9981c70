"""Work of operators that takes long: rows, and whatever process claims one goes on with it. All SQL of it."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from asyncpg import Record

from relato_runtime import operations
from relato_runtime.database import Connection, Pool
from relato_runtime.operations import Operation
from relato_runtime.refusals import Held

_CLAIM_SECONDS = 15


class Job(NamedTuple):
    """A job as it stands."""

    id: int
    kind: str
    wish: dict[str, Any]
    name: str
    """Who asked for it."""
    started_at: datetime
    finished_at: datetime | None
    cancelled: bool
    trouble: str | None
    reached: dict[str, Any]
    """How far it is, in its own terms."""
    done: int
    total: int
    rate: float
    """Of what is ``done``, a second, since a process last took it up."""
    claim: UUID | None


class Finding(NamedTuple):
    """Something that is wrong, and where."""

    kind: str
    ticket_id: str | None = None
    version: int | None = None
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    detail: Mapping[str, Any] = {}
    """Names and numbers, never what somebody wrote."""


class Gone(Exception):
    """The job was cancelled, or another process went on with it."""


class NotOurs(Exception):
    """The job is for a program of another version, which may run beside this one; the text says why."""


async def ask(
    pool: Pool, operation: Operation, wish: Mapping[str, Any], target: str | None = None
) -> int | None:
    """Begin a job, or with ``dry_run`` only see whether it could be begun: its number.

    Raises ``Held`` while another one of the subject is under way.
    """
    async with pool.acquire() as connection, connection.transaction():
        if operation.dry_run:
            await none_runs(connection, operation.subject)
            await operations.record(connection, operation, target)
            return None
        return await begin(connection, operation, wish, target)


async def stop(pool: Pool, operation: Operation) -> int | None:
    """End the job that is under way on a subject, wherever it is: its number, if there is one."""
    async with pool.acquire() as connection, connection.transaction():
        number: int | None = None
        if not operation.dry_run:
            number = await connection.fetchval(
                """
                UPDATE jobs SET finished_at = now(), cancelled = true, claim = NULL
                WHERE subject = $1 AND finished_at IS NULL RETURNING id
                """,
                operation.subject,
            )
        await operations.record(connection, operation, None if number is None else str(number))
        return number


async def begin(
    connection: Connection, operation: Operation, wish: Mapping[str, Any], target: str | None
) -> int:
    """Let some process do it, and write down who asked; raises ``Held`` while a job is under way.

    Inside the caller's transaction.
    """
    number: int | None = await connection.fetchval(
        """
        INSERT INTO jobs (subject, kind, wish, person_id, name) VALUES ($1, $2, $3::jsonb, $4, $5)
        ON CONFLICT (subject) WHERE finished_at IS NULL DO NOTHING RETURNING id
        """,
        *(operation.subject, operation.action, json.dumps(wish), operation.who.person_id, operation.who.name),
    )
    if number is None:
        await none_runs(connection, operation.subject)
        raise Held("Somebody", "just now", datetime.now(UTC))
    await operations.record(connection, operation, target)
    return number


async def none_runs(connection: Connection, subject: str) -> None:
    """Raise ``Held`` while a job is under way on a subject."""
    row = await connection.fetchrow(
        "SELECT name, kind, started_at FROM jobs WHERE subject = $1 AND finished_at IS NULL", subject
    )
    if row is not None:
        raise Held(row["name"], row["kind"], row["started_at"])


async def latest(connection: Connection, kind: str) -> Job | None:
    """The last one of a kind."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM jobs WHERE kind = $1 ORDER BY id DESC LIMIT 1",  # noqa: S608  # columns of ours
        kind,
    )
    return None if row is None else _job(row)


Place = tuple[bool, int]
"""Where a finding stands among those of its job: whether its kind comes last, and its number."""
BEFORE_ALL: Place = (False, 0)


async def found(
    connection: Connection, job: int, limit: int, *, last: Sequence[str] = (), after: Place = BEFORE_ALL
) -> tuple[list[Finding], Place | None, dict[str, int]]:
    """What a job has found behind a place, up to a limit; where that goes on; how much of each kind there is.

    Kinds that come ``last`` do so.
    """
    rows = await connection.fetch(
        """
        SELECT kind = ANY($3::text[]) AS late, place,
            kind, ticket_id, version, topic, partition, record_offset, detail::text
        FROM job_findings
        WHERE job = $1 AND (kind = ANY($3::text[]), place) > ($4, $5)
        ORDER BY kind = ANY($3::text[]), place LIMIT $2
        """,
        *(job, limit, list(last), *after),
    )
    numbers = await connection.fetch(
        "SELECT kind, count(*) AS number FROM job_findings WHERE job = $1 GROUP BY kind ORDER BY kind", job
    )
    findings = [
        Finding(
            *(row["kind"], row["ticket_id"], row["version"], row["topic"], row["partition"]),
            *(row["record_offset"], json.loads(row["detail"])),
        )
        for row in rows
    ]
    more = (rows[-1]["late"], rows[-1]["place"]) if len(rows) == limit else None
    return findings, more, {row["kind"]: row["number"] for row in numbers}


async def step(
    connection: Connection,
    job: Job,
    reached: Mapping[str, Any],
    *,
    done: int = 0,
    total: int | None = None,
    findings: Sequence[Finding] = (),
    trouble: str | None = None,
) -> Job:
    """Write down how far it is and what was found, in the transaction that came so far; raises ``Gone``.

    Where there was more to do than anybody knew, ``total`` grows with what is done. ``trouble`` is what it
    waits for, to whoever looks.
    """
    row = await connection.fetchrow(
        f"""
        UPDATE jobs SET reached = $3::jsonb, done = done + $4, trouble = $6,
            total = greatest(coalesce($5, total), done + $4)
        WHERE id = $1 AND claim = $2 AND finished_at IS NULL RETURNING {_COLUMNS}
        """,  # noqa: S608  # columns of ours
        *(job.id, job.claim, json.dumps(reached), done, total, trouble),
    )
    if row is None:
        raise Gone
    await connection.executemany(
        """
        INSERT INTO job_findings (job, kind, ticket_id, version, topic, partition, record_offset, detail)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8::jsonb)
        """,
        [(job.id, *each[:-1], json.dumps(each.detail)) for each in findings],
    )
    return _job(row)


async def finish(connection: Connection, job: Job) -> None:
    """It is done."""
    await connection.execute(
        "UPDATE jobs SET finished_at = now(), trouble = NULL WHERE id = $1 AND claim = $2", job.id, job.claim
    )


async def claim(pool: Pool, kinds: Sequence[str]) -> Job | None:
    """A job of these kinds that nobody works on, which is the caller's for some seconds; see ``renew``."""
    row = await pool.fetchrow(
        f"""
        UPDATE jobs SET claim = $2, claimed_until = now() + make_interval(secs => $3),
            taken_up_at = now(), taken_up_done = done
        WHERE id = (
            SELECT id FROM jobs
            WHERE finished_at IS NULL AND claimed_until < now() AND kind = ANY($1::text[])
            ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
        )
        RETURNING {_COLUMNS}
        """,  # noqa: S608  # columns of ours
        *(kinds, uuid4(), _CLAIM_SECONDS),
    )
    return None if row is None else _job(row)


async def renew(pool: Pool, job: Job) -> None:
    """Keep a job for some more seconds, if it still is the caller's."""
    await pool.execute(
        "UPDATE jobs SET claimed_until = now() + make_interval(secs => $3) WHERE id = $1 AND claim = $2",
        *(job.id, job.claim, _CLAIM_SECONDS),
    )


async def give_back(pool: Pool, job: Job, trouble: str) -> None:
    """Let somebody try again in a moment, from where it had come to, and say what went wrong."""
    await pool.execute(
        """
        UPDATE jobs SET trouble = $3, claimed_until = now() + interval '2s' WHERE id = $1 AND claim = $2
        """,
        *(job.id, job.claim, trouble),
    )


_COLUMNS = """
    id, kind, wish::text, name, started_at, finished_at, cancelled, trouble, reached::text, done, total,
    (
        (done - taken_up_done)
        / greatest(extract(epoch FROM coalesce(finished_at, now()) - taken_up_at), 0.001)
    )::float8 AS rate,
    claim
"""


def _job(row: Record) -> Job:
    return Job(**{**dict(row), "wish": json.loads(row["wish"]), "reached": json.loads(row["reached"])})
