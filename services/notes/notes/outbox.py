"""What Kafka has not acknowledged yet, and who relays it: all SQL of the relay."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from aiokafka.structs import TopicPartition
from relato_runtime import published
from relato_runtime.database import Connection
from relato_runtime.positions import Position


@dataclass(frozen=True, slots=True)
class Pending:
    """An event that is to be published."""

    seq: int
    ticket_id: str
    version: int
    event_id: UUID
    type: str
    actor: str
    correlation_id: str
    traceparent: str | None
    recorded_at: datetime
    data: str
    request: str | None
    replay_id: str | None = None
    """Of an import: nobody is to be told of it."""
    salt: bytes | None = None
    openings: str | None = None
    """As ``chain.headers`` takes them."""


async def lead(connection: Connection, holder: str, lease: timedelta) -> int | None:
    """Become the leader when nobody's lease is running: the new epoch, or None.

    One that would last longer than any can is of a clock that was set back since.
    """
    epoch: int | None = await connection.fetchval(
        """
        UPDATE relay_lease SET epoch = epoch + 1, holder = $1, expires_at = clock_timestamp() + $2
        WHERE expires_at NOT BETWEEN clock_timestamp() AND clock_timestamp() + $2
        RETURNING epoch
        """,
        holder,
        lease,
    )
    return epoch


async def stay(connection: Connection, epoch: int, lease: timedelta) -> bool:
    """Make the lease last longer; False when another leads by now."""
    renewed = await connection.fetchval(
        "UPDATE relay_lease SET expires_at = clock_timestamp() + $2 WHERE epoch = $1 RETURNING true",
        epoch,
        lease,
    )
    return renewed is True


async def resign(connection: Connection, epoch: int) -> None:
    """Let another lead at once."""
    await connection.execute("UPDATE relay_lease SET expires_at = '-infinity' WHERE epoch = $1", epoch)


async def pending(connection: Connection, limit: int) -> list[Pending]:
    """The oldest events that wait, in the order in which they are to be published."""
    rows = await connection.fetch(_PENDING.format(""), limit)
    return [Pending(*row.values()) for row in rows]


async def following(connection: Connection, limit: int, under_way: Sequence[Pending]) -> list[Pending]:
    """The oldest events behind those under way; none where something has appeared before their last one.

    Of two transactions the one with the lower numbers may have committed later, and a ticket's later
    event is not to overtake its earlier one.
    """
    rows = await connection.fetch(_PENDING.format(_BEHIND), *(limit, under_way[-1].seq, len(under_way)))
    return [Pending(*row.values()) for row in rows]


# While a partition is rewritten, its tickets wait until all that they had is published anew.
_FREE = "NOT EXISTS (SELECT FROM withheld WHERE withheld.ticket_id IN ('', waiting.ticket_id))"
_BEHIND = f"""
AND waiting.seq > $2 AND (SELECT count(*) FROM outbox AS waiting WHERE waiting.seq <= $2 AND {_FREE}) = $3
"""  # noqa: S608  # a constant
_PENDING = f"""
SELECT waiting.seq, ticket_id, version, event_id, type, actor, correlation_id, traceparent, recorded_at,
    data::text, request, replay_id, salt, openings::text
FROM outbox AS waiting JOIN events USING (ticket_id, version)
WHERE {_FREE} {{}} ORDER BY waiting.seq LIMIT $1
"""  # noqa: S608  # a constant


async def acknowledge(
    connection: Connection, epoch: int, seqs: Sequence[int], reached: Mapping[TopicPartition, Position]
) -> bool:
    """Forget what Kafka has, and note how far that is; False, and nothing done, when another leads by now."""
    fenced = await connection.fetchval(_ACKNOWLEDGE, epoch, list(seqs), *published.arrays(reached))
    return not fenced


_ACKNOWLEDGE = f"""
WITH leader AS (SELECT FROM relay_lease WHERE epoch = $1 FOR SHARE),
gone AS (DELETE FROM outbox WHERE seq = ANY($2::bigint[]) AND EXISTS (SELECT FROM leader)),
moved AS ({published.ADVANCE.format("$3", "$4", "$5", "$6", "WHERE EXISTS (SELECT FROM leader)")})
SELECT NOT EXISTS (SELECT FROM leader)
"""  # noqa: S608  # constants alone


async def size(connection: Connection) -> tuple[int, float]:
    """How many wait, and for how many seconds the oldest."""
    row = await connection.fetchrow(
        """
        SELECT count(*) AS waiting,
            coalesce(extract(epoch FROM clock_timestamp() - min(enqueued_at)), 0)::float8 AS oldest
        FROM outbox
        """
    )
    assert row is not None
    return row["waiting"], row["oldest"]
