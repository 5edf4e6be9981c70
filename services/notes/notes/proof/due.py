"""What of the log is in no signed head yet, and who seals it: all SQL about that."""

from relato_runtime.database import Connection

from notes.proof.tree import Leaf

_LARGE_SECONDS = 600


async def lead(connection: Connection, *, wait: bool = False) -> int | None:
    """Be the only one to seal until the transaction ends; None if another is.

    Up to the place in the log that it gives, every ticket is sealed.
    """
    seq: int | None = await connection.fetchval(
        "SELECT seq FROM sealing FOR UPDATE" if wait else "SELECT seq FROM sealing FOR UPDATE SKIP LOCKED"
    )
    return seq


async def last_place(connection: Connection) -> int:
    """The last place in the log up to which Kafka has everything."""
    seq: int = await connection.fetchval(
        "SELECT least((SELECT last_value FROM events_seq), (SELECT min(seq) - 1 FROM outbox))"
    )
    return seq


async def waits(connection: Connection, ticket_id: str) -> bool:
    """Whether Kafka has not all of a ticket yet."""
    waiting: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM outbox WHERE ticket_id = $1)", ticket_id
    )
    return waiting


async def reached(connection: Connection, seq: int) -> None:
    """Up to this place every ticket is sealed, whatever stood there before."""
    await connection.execute("UPDATE sealing SET seq = $1", seq)


# The very head, at a place that the tree has: a row that merely claims more keeps nothing from being sealed.
_NO_LEAF = """
NOT EXISTS (
    SELECT FROM tree_leaves AS leaf
    WHERE leaf.ticket_id = streams.ticket_id AND leaf.version = streams.version AND leaf.head = streams.head
        AND leaf.place >= 0 AND leaf.place < (SELECT max(size) FROM tree_heads)
)
"""


async def changed(connection: Connection, since: int | None, after: str, limit: int) -> list[Leaf]:
    """Heads that are no leaves yet, of tickets behind one of which Kafka has all, in the order of their ids.

    Of those with events behind a place in the log, or of all.
    """
    rows = await connection.fetch(
        f"""
        SELECT ticket_id, version, head FROM streams
        WHERE ticket_id > $2 AND chained = version AND head IS NOT NULL
            AND ticket_id NOT IN (SELECT ticket_id FROM outbox)
            AND ($1::bigint IS NULL OR ticket_id IN (SELECT ticket_id FROM events WHERE seq > $1))
            AND {_NO_LEAF}
        ORDER BY ticket_id LIMIT $3
        """,  # noqa: S608  # a constant
        *(since, after, limit),
        timeout=_LARGE_SECONDS,
    )
    return [Leaf(**dict(row)) for row in rows]


async def unsealed(connection: Connection, ticket_id: str) -> list[Leaf]:
    """A ticket's head, unless it is a leaf, or Kafka has not all of it yet."""
    rows = await connection.fetch(
        f"""
        SELECT ticket_id, version, head FROM streams
        WHERE ticket_id = $1 AND chained = version AND head IS NOT NULL
            AND NOT EXISTS (SELECT FROM outbox WHERE outbox.ticket_id = $1) AND {_NO_LEAF}
        """,  # noqa: S608  # a constant
        ticket_id,
    )
    return [Leaf(**dict(row)) for row in rows]


async def waiting(connection: Connection) -> float:
    """For how many seconds the oldest of the log's events has been in no head that Kafka has.

    Where sealing is said to have come further than the log, it is since the last head: that is not so.
    """
    age: float = await connection.fetchval(
        """
        SELECT coalesce(extract(epoch FROM clock_timestamp() - least(
            (
                SELECT recorded_at FROM events WHERE seq > coalesce((SELECT seq FROM sealing), 0)
                ORDER BY seq LIMIT 1
            ),
            (SELECT min(sealed_at) FROM tree_heads WHERE NOT published),
            (
                SELECT coalesce((SELECT sealed_at FROM tree_heads ORDER BY size DESC LIMIT 1), 'epoch')
                FROM sealing JOIN events_seq ON seq > last_value
            )
        )), 0)::float8
        """
    )
    return age
