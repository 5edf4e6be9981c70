"""The tree of all tickets' heads and what was signed of it: all SQL about that."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from relato_contracts.merkle import Node
from relato_runtime.database import Connection


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


async def latest(connection: Connection) -> Head | None:
    """What was signed last."""
    return next(iter(await _heads(connection, "ORDER BY size DESC LIMIT 1")), None)


async def at(connection: Connection, size: int) -> Head | None:
    """What was signed of the tree when it had a size."""
    return next(iter(await _heads(connection, "WHERE size = $1", size)), None)


async def newest(connection: Connection, ticket_id: str) -> tuple[int, int] | None:
    """Place and version of a ticket's last leaf to which its events lead."""
    row = await connection.fetchrow(
        """
        SELECT place, version FROM tree_leaves AS leaf JOIN events USING (ticket_id, version)
        WHERE ticket_id = $1 AND leaf.head = events.hash
            AND place >= 0 AND place < (SELECT max(size) FROM tree_heads)
        ORDER BY version DESC LIMIT 1
        """,
        ticket_id,
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


async def astray(connection: Connection) -> list[tuple[int, str, int]]:
    """Place, ticket and version of leaves where the tree has none."""
    rows = await connection.fetch(
        """
        SELECT place, ticket_id, version FROM tree_leaves
        WHERE place < 0 OR place >= (SELECT coalesce(max(size), 0) FROM tree_heads) ORDER BY place
        """
    )
    return [(row["place"], row["ticket_id"], row["version"]) for row in rows]


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
