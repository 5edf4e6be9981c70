"""The tree of all tickets' heads and what was signed of it: all SQL about that."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from relato_contracts.merkle import Node
from relato_runtime.database import Connection

_LARGE_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Leaf:
    """A ticket's head at a version."""

    ticket_id: str
    version: int
    head: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """What was signed of the tree when it had a size."""

    size: int
    root: bytes
    checkpoint: str
    event_id: UUID
    sealed_at: datetime


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
    """Up to this place every ticket is sealed."""
    await connection.execute("UPDATE sealing SET seq = greatest(seq, $1)", seq)


async def changed(connection: Connection, since: int | None, after: str, limit: int) -> list[Leaf]:
    """Heads that are no leaves yet, of tickets behind one of which Kafka has all, in the order of their ids.

    Of those with events behind a place in the log, or of all.
    """
    rows = await connection.fetch(
        """
        SELECT ticket_id, version, head FROM streams
        WHERE ticket_id > $2 AND chained = version AND head IS NOT NULL
            AND ticket_id NOT IN (SELECT ticket_id FROM outbox)
            AND ($1::bigint IS NULL OR ticket_id IN (SELECT ticket_id FROM events WHERE seq > $1))
            AND NOT EXISTS (
                SELECT FROM tree_leaves AS leaf
                WHERE leaf.ticket_id = streams.ticket_id AND leaf.version >= streams.version
            )
        ORDER BY ticket_id LIMIT $3
        """,
        *(since, after, limit),
        timeout=_LARGE_SECONDS,
    )
    return [Leaf(**dict(row)) for row in rows]


async def unsealed(connection: Connection, ticket_id: str) -> list[Leaf]:
    """A ticket's head, unless it is a leaf, or Kafka has not all of it yet."""
    rows = await connection.fetch(
        """
        SELECT ticket_id, version, head FROM streams
        WHERE ticket_id = $1 AND chained = version AND head IS NOT NULL
            AND NOT EXISTS (SELECT FROM outbox WHERE outbox.ticket_id = $1) AND NOT EXISTS (
            SELECT FROM tree_leaves AS leaf
            WHERE leaf.ticket_id = streams.ticket_id AND leaf.version >= streams.version
        )
        """,
        ticket_id,
    )
    return [Leaf(**dict(row)) for row in rows]


async def latest(connection: Connection) -> Head | None:
    """What was signed last."""
    return next(iter(await _heads(connection, "ORDER BY size DESC LIMIT 1")), None)


async def at(connection: Connection, size: int) -> Head | None:
    """What was signed of the tree when it had a size."""
    return next(iter(await _heads(connection, "WHERE size = $1", size)), None)


async def newest(connection: Connection, ticket_id: str) -> tuple[int, int] | None:
    """Place and version of a ticket's last leaf."""
    row = await connection.fetchrow(
        "SELECT place, version FROM tree_leaves WHERE ticket_id = $1 ORDER BY version DESC LIMIT 1", ticket_id
    )
    return None if row is None else (row["place"], row["version"])


async def latest_published(connection: Connection) -> int:
    """The size of the largest tree whose head Kafka has acknowledged."""
    size: int = await connection.fetchval(
        "SELECT coalesce(max(size), 0)::bigint FROM tree_heads WHERE published"
    )
    return size


async def beyond(connection: Connection, size: int) -> list[Head]:
    """What was signed of larger trees."""
    return await _heads(connection, "WHERE size > $1 ORDER BY size", size)


async def unpublished(connection: Connection, limit: int) -> list[Head]:
    """What Kafka has not acknowledged yet, in order."""
    return await _heads(connection, "WHERE NOT published ORDER BY size LIMIT $1", limit)


async def waiting(connection: Connection) -> float:
    """For how many seconds the oldest of the log's events has been in no head that Kafka has."""
    age: float = await connection.fetchval(
        """
        SELECT coalesce(extract(epoch FROM clock_timestamp() - least(
            (SELECT recorded_at FROM events WHERE seq > (SELECT seq FROM sealing) ORDER BY seq LIMIT 1),
            (SELECT min(sealed_at) FROM tree_heads WHERE NOT published)
        )), 0)::float8
        """
    )
    return age


async def publish_again(connection: Connection, after: int) -> None:
    """Kafka has lost what was signed of trees larger than that."""
    await connection.execute("UPDATE tree_heads SET published = false WHERE size > $1", after)


async def acknowledge(connection: Connection, sizes: Sequence[int]) -> None:
    """Kafka has these."""
    await connection.execute(
        "UPDATE tree_heads SET published = true WHERE size = ANY($1::bigint[])", list(sizes)
    )


async def leaves(connection: Connection, up_to: int) -> list[Leaf]:
    """Those that were new when the tree had this size."""
    rows = await connection.fetch(
        """
        SELECT ticket_id, version, head FROM tree_leaves
        WHERE place < $1 AND place >= coalesce((SELECT max(size) FROM tree_heads WHERE size < $1), 0)
        ORDER BY place
        """,
        up_to,
    )
    return [Leaf(**dict(row)) for row in rows]


async def nodes(connection: Connection, wanted: Iterable[Node]) -> dict[Node, bytes]:
    """The hashes of nodes, as far as they are complete."""
    asked = list(wanted)
    rows = await connection.fetch(
        """
        SELECT level, place, hash FROM tree_nodes
        WHERE (level, place) IN (SELECT * FROM unnest($1::smallint[], $2::bigint[]))
        """,
        [node.level for node in asked],
        [node.place for node in asked],
    )
    return {Node(row["level"], row["place"]): row["hash"] for row in rows}


async def append(
    connection: Connection,
    size: int,
    new: Sequence[Leaf],
    made: Sequence[tuple[Node, bytes]],
    head: Head,
    *,
    published: bool = False,
) -> None:
    """Add leaves to a tree of that size, the nodes that they complete, and what was signed of the new one."""
    await connection.copy_records_to_table(
        "tree_leaves",
        records=[(place, *(leaf.ticket_id, leaf.version, leaf.head)) for place, leaf in enumerate(new, size)],
    )
    await connection.copy_records_to_table(
        "tree_nodes", records=[(node.level, node.place, hashed) for node, hashed in made]
    )
    await connection.execute(
        """
        INSERT INTO tree_heads (size, root, checkpoint, event_id, sealed_at, published)
        VALUES ($1, $2, $3, $4, $5, $6)
        """,
        *(head.size, head.root, head.checkpoint, head.event_id, head.sealed_at, published),
    )


async def _heads(connection: Connection, which: str, *given: int) -> list[Head]:
    rows = await connection.fetch(
        f"SELECT size, root, checkpoint, event_id, sealed_at FROM tree_heads {which}",  # noqa: S608  # constants
        *given,
    )
    return [Head(**dict(row)) for row in rows]
