"""What was recorded last, for whoever watches: all SQL about that."""

from typing import Any

from relato_runtime.cloudevent import event_of
from relato_runtime.database import Connection

from notes.outbox import Pending
from notes.records import record_of

_SHOWN = 100
_LOOKED_AT = 10_000


async def latest(connection: Connection, ticket_id: str | None, type_: str | None) -> list[dict[str, Any]]:
    """The last hundred events as CloudEvents, the last one first; of a ticket, of a type, or of all.

    A type is looked for among the last ten thousand: the log has no index of types, and whoever watches
    asks every other second. Ids are UUIDv7, so that they are in the order of time.
    """
    rows = await connection.fetch(
        """
        SELECT * FROM (
            SELECT seq, ticket_id, version, event_id, type, actor, correlation_id, traceparent, recorded_at,
                data::text, NULL AS request
            FROM events WHERE ($1::text IS NULL OR ticket_id = $1) ORDER BY event_id DESC LIMIT $3
        ) AS late WHERE ($2::text IS NULL OR type = $2) ORDER BY event_id DESC LIMIT $4
        """,
        *(ticket_id, type_, _LOOKED_AT if type_ else _SHOWN, _SHOWN),
    )
    return [_event(Pending(**dict(row))) for row in rows]


def _event(event: Pending) -> dict[str, Any]:
    record = record_of("", event)
    return dict(event_of(record.value or b"", record.headers))
