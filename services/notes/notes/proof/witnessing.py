"""What was published of the tree, beside the tree, the log, and what somebody has kept of it elsewhere.

Whoever has the database can make every table agree with every other; what was signed and published says so.
It also says of what nothing was signed, though there was time enough.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from relato_contracts import merkle
from relato_contracts.checkpoints import Key
from relato_contracts.topics import HEADS
from relato_runtime import jobs, tail
from relato_runtime.database import Connection
from relato_runtime.jobs import Finding, Job
from relato_runtime.positions import Record
from relato_runtime.tail import Reader

from notes import signing
from notes.proof import covered, heads, proofs, tree
from notes.proof.covered import Bare
from notes.proof.heads import Sealed
from notes.proof.tree import Leaf
from notes.settings import NotesSettings

_AT_ONCE = 100
_PERIODS = 3
"""Of sealing: what has come to Kafka is signed in the next one, which may have begun or be late."""
_PATIENCE_SECONDS = 300.0
_LOOK_AGAIN_SECONDS = 1.0


@dataclass(slots=True)
class Reached:
    """How far the published heads were read, and the tree that they make."""

    offsets: dict[str, int] = field(default_factory=dict)
    """By partition. All heads lie on one, since they have one key; what others put elsewhere is read too."""
    size: int = 0
    edge: list[bytes] = field(default_factory=list)
    leaves: list[Leaf] = field(default_factory=list)
    """Those of its heads, until they are written down."""

    def as_json(self) -> dict[str, Any]:
        """As a job keeps it."""
        return {"offsets": self.offsets, "size": self.size, "edge": [each.hex() for each in self.edge]}


def allowed(settings: NotesSettings, job: Job) -> int:
    """For how many seconds something may be in the log before a published head vouches for it."""
    return _PERIODS * settings.seal_seconds + int(job.wish["outbox_seconds"])


async def witness(
    settings: NotesSettings, connection: Connection, job: Job, keys: Sequence[Key], kept: Sequence[str]
) -> Job:
    """Go on through all heads that were published, from where the job had come to."""
    ours = await tree.latest_published(connection)
    given = job.reached.get("sealed", {})
    edge = [bytes.fromhex(each) for each in given.get("edge", ())]
    reached = Reached(given.get("offsets", {}), given.get("size", 0), edge)
    async with tail.reading(settings, HEADS) as reader:
        job = await _read(reader, connection, job, keys, reached)
        until = monotonic() + min(allowed(settings, job), _PATIENCE_SECONDS)
        # What was adopted or imported, or has waited while nobody sealed, is old and may be sealed just now.
        while bare := await covered.lacking(connection) if keys else []:
            if monotonic() > until:
                break
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            job = await _read(reader, connection, job, keys, reached)
    lost = _finding("unpublished", None, size=ours, published=reached.size)
    async with connection.transaction():
        found = [lost] if ours > reached.size else []
        found += [*map(_unsealed, bare), *await _tree(connection, reached)]
        found += await _kept(connection, keys, kept)
        return await jobs.step(connection, job, job.reached, findings=found)


async def _read(
    reader: Reader, connection: Connection, job: Job, keys: Sequence[Key], reached: Reached
) -> Job:
    """Read on to the topic's present end."""
    for partition in reader.partitions:
        end = (await reader.consumer.end_offsets([partition]))[partition]
        begin = reached.offsets.get(str(partition.partition), 0)
        async for records in reader.records(partition, begin, end, _AT_ONCE):
            found: list[Finding] = []
            for each in records:
                found += await _compare(connection, each, reached, keys)
            async with connection.transaction():
                await covered.keep(connection, reached.leaves)
                now = job.reached | {"sealed": reached.as_json()}
                job = await jobs.step(connection, job, now, findings=found)
            reached.leaves = []
    return job


async def _compare(
    connection: Connection, record: Record, reached: Reached, keys: Sequence[Key]
) -> list[Finding]:
    """What is wrong with a published head; the tree grows by its leaves where they follow."""
    reached.offsets[str(record.partition)] = record.offset + 1
    sealed = heads.read(record)
    if sealed is None or not heads.genuine(sealed, keys):
        return [_finding("unsigned", record, **({} if sealed is None else {"size": sealed.head.size}))]
    size, root = sealed.head.size, sealed.head.root
    stored = await tree.at(connection, size)
    found = [] if stored is not None and stored.root == root else [_finding("forked", record, size=size)]
    if size <= reached.size:
        return found  # it came twice, or it is another of the same size
    made, grown = merkle.grow(reached.size, reached.edge, [merkle.leaf(each.head) for each in sealed.leaves])
    if (reached.size + len(sealed.leaves), grown) != (size, root):
        return [_finding("forked", record, size=size)]
    nodes = {**dict(made), **dict(zip(merkle.edge(reached.size), reached.edge, strict=True))}
    reached.size, reached.edge = size, [nodes[node] for node in merkle.edge(size)]
    reached.leaves += sealed.leaves
    found += [
        Finding(kind, ticket_id, version, record.topic, record.partition, record.offset, {"size": size})
        for ticket_id, version, kind in await proofs.contradicting(connection, sealed.leaves)
    ]
    return found if await _stored(connection, sealed, made) else [*found, _finding("tree", record, size=size)]


async def _stored(connection: Connection, sealed: Sealed, made: Sequence[tuple[merkle.Node, bytes]]) -> bool:
    """Whether the tree's tables have these leaves and nodes."""
    same = await tree.leaves(connection, sealed.head.size) == sealed.leaves
    return same and await tree.nodes(connection, [node for node, _ in made]) == dict(made)


async def _tree(connection: Connection, reached: Reached) -> list[Finding]:
    """What is in the tree and not published yet follows on what is, and the log agrees with it.

    Its leaves are as many as its size says: what lies elsewhere somebody has put there.
    """
    found = [
        Finding("tree", ticket_id, version, detail={"place": place})
        for place, ticket_id, version in await tree.astray(connection)
    ]
    for head in await tree.beyond(connection, reached.size):
        leaves = await tree.leaves(connection, head.size)
        found += [
            Finding(kind, ticket_id, version, detail={"size": head.size})
            for ticket_id, version, kind in await proofs.contradicting(connection, leaves)
        ]
    return found


async def _kept(connection: Connection, keys: Sequence[Key], kept: Sequence[str]) -> list[Finding]:
    """Whether the tree still begins with what somebody has kept elsewhere; ``kept`` counts which does not."""
    found = []
    for place, note in enumerate(kept, 1):
        checkpoint = signing.signed(note, keys)
        if checkpoint is None:
            found.append(_finding("unsigned", None, kept=place))
            continue
        edge = merkle.edge(checkpoint.size)
        known = await tree.nodes(connection, edge)
        hashes = [known[node] for node in edge if node in known]
        if len(hashes) < len(edge) or merkle.fold(hashes) != checkpoint.root:
            found.append(_finding("forked", None, size=checkpoint.size, kept=place))
    return found


def _unsealed(bare: Bare) -> Finding:
    return Finding("unsealed", bare.ticket_id, bare.sealed + 1)


def _finding(kind: str, record: Record | None, **detail: int) -> Finding:
    if record is None:
        return Finding(kind, detail=detail)
    return Finding(kind, None, None, record.topic, record.partition, record.offset, detail)
