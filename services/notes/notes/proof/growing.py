"""The tree grows by leaves, and what it has grown to is signed."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from relato_contracts import merkle
from relato_runtime.database import Connection
from uuid6 import uuid7

from notes.proof import tree
from notes.proof.tree import Head, Leaf
from notes.signing import Signer


async def grow(connection: Connection, signer: Signer, new: Sequence[Leaf]) -> Head:
    """Add leaves and sign, inside the caller's transaction, which leads."""
    latest = await tree.latest(connection)
    size = 0 if latest is None else latest.size
    edge = merkle.edge(size)
    known = await tree.nodes(connection, edge)
    made, root = merkle.grow(size, [known[node] for node in edge], [merkle.leaf(each.head) for each in new])
    grown = size + len(new)
    head = Head(grown, root, signer.sign(grown, root), UUID(str(uuid7())), datetime.now(UTC))
    await tree.append(connection, size, new, made, head)
    return head
