"""Outcomes of mails as the topic has them, beside the ledger and its outbox: all SQL of comparing them."""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from relato_runtime.database import Connection

_LARGE_SECONDS = 600
STATES = {
    "relato.EmailAccepted.v1": "accepted",
    "relato.EmailRejected.v1": "rejected",
    "relato.EmailUncertain.v1": "uncertain",
    "relato.EmailSuppressed.v1": "suppressed",
}
"""What each kind of outcome says; mails that were given up are told as rejected."""


class Told(NamedTuple):
    """An outcome that the topic has: a row of ``checked_outcomes``."""

    mail_id: UUID
    state: str
    ticket_id: str
    version: int
    partition: int
    record_offset: int


async def clear(connection: Connection) -> None:
    """Forget what was read."""
    await connection.execute("TRUNCATE checked_outcomes")


async def keep(connection: Connection, outcomes: Iterable[Told]) -> None:
    """Add outcomes; what a mail was told to be twice stands there once."""
    rows = [*outcomes]
    if rows:
        await connection.execute(
            """
            INSERT INTO checked_outcomes
            SELECT * FROM unnest(
                $1::uuid[], $2::text[], $3::text[], $4::int[], $5::int[], $6::bigint[]
            )
            ON CONFLICT DO NOTHING
            """,
            *map(list, zip(*rows, strict=True)),
            timeout=_LARGE_SECONDS,
        )


async def compare(connection: Connection, job: int, after: UUID, until: UUID) -> None:
    """Write down which of these mails have come to an end that neither the topic nor the outbox tells."""
    await connection.execute(
        f"""
        INSERT INTO job_findings (job, kind, ticket_id, version, detail)
        SELECT $1, 'untold', ticket_id, event_version, jsonb_build_object('mail_id', mail_id, 'state', ended)
        FROM (SELECT *, {_ENDED} AS ended FROM mails WHERE mail_id > $2 AND mail_id <= $3) AS mails
        WHERE ended IS NOT NULL
            AND NOT EXISTS (
                SELECT FROM checked_outcomes AS told
                WHERE told.mail_id = mails.mail_id AND told.state = mails.ended
            )
            AND NOT EXISTS (
                SELECT FROM outbox
                WHERE outbox.ticket_id = mails.ticket_id AND (data::jsonb ->> 'mail_id')::uuid = mails.mail_id
            )
        ORDER BY mail_id
        """,  # noqa: S608  # constants
        *(job, after, until),
        timeout=_LARGE_SECONDS,
    )


async def reconsider(connection: Connection, job: int) -> None:
    """What was read since was only on its way."""
    await connection.execute(
        """
        DELETE FROM job_findings USING checked_outcomes AS told
        WHERE job = $1 AND kind = 'untold' AND told.mail_id = (detail ->> 'mail_id')::uuid
            AND told.state = detail ->> 'state'
        """,
        job,
        timeout=_LARGE_SECONDS,
    )


async def beyond(connection: Connection, job: int, topic: str, seconds: int) -> None:
    """Write down outcomes of mails that the ledger does not know, and those that have waited for too long."""
    await connection.execute(
        """
        INSERT INTO job_findings (job, kind, ticket_id, version, topic, partition, record_offset, detail)
        SELECT $1, 'unledgered', ticket_id, version, $2, partition, record_offset,
            jsonb_build_object('mail_id', mail_id, 'state', state)
        FROM checked_outcomes AS told
        WHERE NOT EXISTS (SELECT FROM mails WHERE mails.mail_id = told.mail_id)
            AND NOT EXISTS (SELECT FROM told_before AS known WHERE known.mail_id = told.mail_id)
        ORDER BY mail_id
        """,
        *(job, topic),
        timeout=_LARGE_SECONDS,
    )
    await connection.execute(
        """
        INSERT INTO job_findings (job, kind, ticket_id, topic, detail)
        SELECT $1, 'late-outcome', ticket_id, $2,
            jsonb_build_object('mail_id', data::jsonb ->> 'mail_id', 'at', at)
        FROM outbox WHERE at < now() - make_interval(secs => $3) ORDER BY seq
        """,
        *(job, topic, seconds),
        timeout=_LARGE_SECONDS,
    )


_ENDED = """
    CASE
        WHEN state = 'dead' THEN 'rejected'
        WHEN state IN ('accepted', 'rejected', 'uncertain', 'suppressed') THEN state
    END
"""
