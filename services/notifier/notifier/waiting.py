"""Events whose mail waits for what has not arrived: SQL alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from pydantic import TypeAdapter
from relato_contracts.envelope import FACTS, serialise, type_name
from relato_contracts.notes import NoteEvent
from relato_runtime.database import Connection, Pool

from notifier.event import Event

_FIRST_LOOK = timedelta(seconds=2)
_LATER_LOOKS = timedelta(seconds=30)
_NOTE: TypeAdapter[NoteEvent] = TypeAdapter(NoteEvent)
_SAME = "waiting.needs = excluded.needs"
_SINCE = f"CASE WHEN {_SAME} THEN waiting.since ELSE excluded.since END"


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event, what it needs, and how long after its arrival it may wait for that."""

    event: Event
    needs: str
    patience: timedelta


async def put(connection: Connection, waiting: Sequence[Waiting]) -> None:
    """Let events wait: until what they need is announced, until their next look, or until they give up.

    An event that waits already goes on waiting, from the time it began to need what it needs.
    """
    await connection.executemany(
        f"""
        INSERT INTO waiting (event_id, version, at, correlation_id, traceparent, type, data, needs,
            look_at, give_up_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now() + least($9, $10::interval), now() + $10)
        ON CONFLICT (event_id) DO UPDATE SET needs = excluded.needs, since = {_SINCE},
            give_up_at = {_SINCE} + $10,
            look_at = least(now() + CASE WHEN {_SAME} THEN $11 ELSE $9::interval END, {_SINCE} + $10)
        """,  # noqa: S608  # constants alone
        [
            (
                each.event.id,
                each.event.version,
                each.event.at,
                each.event.correlation_id,
                each.event.traceparent,
                type_name(type(each.event.fact)),
                serialise(each.event.fact).decode(),
                each.needs,
                _FIRST_LOOK,
                each.patience,
                _LATER_LOOKS,
            )
            for each in waiting
        ],
    )


async def wake(connection: Connection, arrived: Iterable[str]) -> None:
    """Look at once at what waits for this."""
    await connection.execute(
        "UPDATE waiting SET look_at = '-infinity' WHERE needs = ANY($1::text[])", list(arrived)
    )


async def due(connection: Connection, limit: int) -> tuple[list[Event], set[UUID]]:
    """Lock events that are to be looked at; and which of them have waited long enough."""
    rows = await connection.fetch(
        """
        SELECT *, give_up_at <= clock_timestamp() AS over FROM waiting
        WHERE look_at <= clock_timestamp() ORDER BY at, version LIMIT $1 FOR UPDATE SKIP LOCKED
        """,
        limit,
    )
    events = [
        Event(
            id=row["event_id"],
            version=row["version"],
            at=row["at"],
            correlation_id=row["correlation_id"],
            traceparent=row["traceparent"],
            fact=_NOTE.validate_python(FACTS[row["type"]].model_validate_json(row["data"])),
        )
        for row in rows
    ]
    return events, {row["event_id"] for row in rows if row["over"]}


async def forget(connection: Connection, event_ids: Iterable[UUID]) -> None:
    """These events wait no longer."""
    await connection.execute("DELETE FROM waiting WHERE event_id = ANY($1::uuid[])", list(event_ids))


async def number(pool: Pool) -> int:
    """How many events wait."""
    count: int = await pool.fetchval("SELECT count(*) FROM waiting")
    return count
