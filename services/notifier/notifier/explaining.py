"""Mails beside the events that explain them: all SQL of a verification of the ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from relato_runtime.database import Connection

_LARGE_SECONDS = 600
NOBODY = UUID(int=0)


class Explained(NamedTuple):
    """An event that somebody is mailed about: a row of ``explained_events``."""

    event_id: UUID
    ticket_id: str
    version: int
    subject_id: UUID
    parameter: int


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail of the ledger with the event that explains it, if there is one."""

    mail_id: UUID
    event_id: UUID
    ticket_id: str
    version: int
    subject_id: UUID
    parameter: int
    recipient: str
    template_id: str
    state: str
    explained: Explained | None


async def clear(connection: Connection) -> None:
    """Forget what was read."""
    await connection.execute("TRUNCATE explained_events")


async def keep(connection: Connection, events: Sequence[Explained]) -> None:
    """Add events."""
    await connection.copy_records_to_table("explained_events", records=events)


async def count(connection: Connection) -> int:
    """How many mails there are."""
    number: int = await connection.fetchval("SELECT count(*) FROM mails", timeout=_LARGE_SECONDS)
    return number


async def following(connection: Connection, after: UUID, limit: int) -> list[Mail]:
    """The next mails, in the order of their ids."""
    rows = await connection.fetch(
        """
        SELECT mail_id, mails.event_id, mails.ticket_id, event_version AS version, mails.subject_id,
            mails.parameter, recipient, template_id, state,
            read.event_id AS read_event_id, read.ticket_id AS read_ticket_id,
            read.version AS read_version, read.subject_id AS read_subject_id,
            read.parameter AS read_parameter
        FROM (SELECT * FROM mails WHERE mail_id > $1 ORDER BY mail_id LIMIT $2) AS mails
        LEFT JOIN LATERAL (
            SELECT * FROM explained_events WHERE explained_events.event_id = mails.event_id LIMIT 1
        ) AS read ON true
        ORDER BY mail_id
        """,
        after,
        limit,
        timeout=_LARGE_SECONDS,
    )
    return [_mail(dict(row)) for row in rows]


async def reconsider(connection: Connection, job: int) -> None:
    """What was read since explains mails that were planned meanwhile."""
    await connection.execute(
        """
        DELETE FROM job_findings USING explained_events
        WHERE job = $1 AND kind = 'unexplained' AND event_id = (detail->>'event_id')::uuid
        """,
        job,
        timeout=_LARGE_SECONDS,
    )


def _mail(row: Mapping[str, Any]) -> Mail:
    read = [row[f"read_{name}"] for name in Explained._fields]
    own = {name: each for name, each in row.items() if not name.startswith("read_")}
    return Mail(**own, explained=None if read[0] is None else Explained(*read))
