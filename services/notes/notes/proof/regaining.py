"""The tree and its topic brought level, whichever of the two was put back: what was signed stays signed."""

from collections.abc import Sequence

from relato_contracts import merkle
from relato_contracts.checkpoints import Key
from relato_contracts.topics import HEADS
from relato_runtime import tail
from relato_runtime.database import Connection
from relato_runtime.tail import Reader

from notes.proof import due, heads, tree
from notes.proof.heads import Sealed
from notes.settings import NotesSettings


class Forked(Exception):
    """The topic has a head that the tree never had: somebody has to find out which of them is true."""


async def level(settings: NotesSettings, connection: Connection, keys: Sequence[Key]) -> None:
    """Take over heads that the topic has and the tree has not, and publish again what the topic lacks.

    What none of these keys has signed is passed over; a verification tells it. Raises ``Forked``.
    """
    async with tail.reading(settings, HEADS) as reader, connection.transaction():
        await due.lead(connection, wait=True)
        latest = await tree.latest(connection)
        size = 0 if latest is None else latest.size
        found = await _latest(reader, keys, size)
        for each in sorted(found, key=lambda each: each.head.size):
            if each.head.size <= size:
                await _same(connection, each)
            else:
                await _take_over(connection, size, each)
                size = each.head.size
        await tree.publish_again(connection, max((each.head.size for each in found), default=0))


async def _latest(reader: Reader, keys: Sequence[Key], known: int) -> list[Sealed]:
    """The topic's last heads, back to one that is known; all lie on one partition, having one key."""
    found: list[Sealed] = []
    for partition in reader.partitions:
        end = (await reader.consumer.end_offsets([partition]))[partition]
        async for records in reader.before(partition, end):
            read = [heads.read(record) for record in records]
            genuine = [each for each in read if each is not None and heads.genuine(each, keys)]
            found += genuine
            if any(each.head.size <= known for each in genuine):
                break
    return found


async def _same(connection: Connection, sealed: Sealed) -> None:
    ours = await tree.at(connection, sealed.head.size)
    if ours is None or ours.root != sealed.head.root:
        raise Forked(f"the tree never had the head that is published with {sealed.head.size} leaves")


async def _take_over(connection: Connection, size: int, sealed: Sealed) -> None:
    edge = merkle.edge(size)
    known = await tree.nodes(connection, edge)
    leaves = [merkle.leaf(each.head) for each in sealed.leaves]
    made, root = merkle.grow(size, [known[node] for node in edge], leaves)
    if (size + len(leaves), root) != (sealed.head.size, sealed.head.root):
        raise Forked(f"the published head of {sealed.head.size} leaves does not follow on the tree of {size}")
    await tree.append(connection, size, sealed.leaves, made, sealed.head, published=True)
