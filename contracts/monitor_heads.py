#!/usr/bin/env python3
"""Follows the signed heads of a log and keeps the last one, as somebody who does not trust whoever runs it.

    RELATO_KAFKA_BOOTSTRAP=… python monitor_heads.py KEY KEPT

KEY is the log's public key, KEPT a file with the last head that was seen: the log has to begin with it, also
when this program begins anew. Ends with exit code 1 when a head does not follow on what was there before, or
when KEPT has something else than a head of this key's: that is for somebody to look at, and stays as it is.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from aiokafka import AIOKafkaConsumer
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from relato_contracts import checkpoints, merkle
from relato_contracts.checkpoints import Checkpoint, Key
from relato_contracts.envelope import Undecodable, decode
from relato_contracts.heads import LogSealed
from relato_contracts.topics import HEADS


class Tree:
    """The log's tree as far as it was followed: its size, and the nodes at its right edge."""

    def __init__(self) -> None:
        self.size = 0
        self._edge: list[bytes] = []

    def grow(self, leaves: Sequence[bytes]) -> bytes:
        """Add leaves' hashes: the root that the tree has with them."""
        made, root = merkle.grow(self.size, self._edge, leaves)
        known = dict(zip(merkle.edge(self.size), self._edge, strict=True)) | dict(made)
        self.size += len(leaves)
        self._edge = [known[node] for node in merkle.edge(self.size)]
        return root


def signed(note: str, key: Key) -> Checkpoint | None:
    """The checkpoint of a note, if this key has signed it."""
    try:
        checkpoint, text, signatures = checkpoints.read(note)
        (signature,) = (each.signature for each in signatures if each.key_id == key.id)
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text.encode())
    except (ValueError, InvalidSignature):
        return None
    return checkpoint


def trouble(tree: Tree, sealed: LogSealed, key: Key, kept: Checkpoint | None) -> str | None:
    """Let the tree grow to a head: what is wrong with that, if anything is."""
    checkpoint = signed(sealed.checkpoint, key)
    if checkpoint is None:
        return f"the head of {sealed.size} leaves is not signed by the key that is known"
    before, leaves = tree.size, [merkle.leaf(bytes.fromhex(each.head)) for each in sealed.leaves]
    if kept is not None and before < kept.size <= before + len(leaves):
        first, leaves = leaves[: kept.size - before], leaves[kept.size - before :]
        if tree.grow(first) != kept.root:
            return f"the log of {sealed.size} leaves does not begin with the {kept.size} that were kept"
    if (tree.grow(leaves), tree.size) != (checkpoint.root, checkpoint.size):
        return f"the head of {checkpoint.size} leaves does not follow on that of {before}"
    return None


async def follow(key: Key, kept: Checkpoint | None, keep: Callable[[str], object]) -> str:
    """Follow the heads until one does not follow: what is wrong with it."""
    tree, bootstrap = Tree(), os.environ["RELATO_KAFKA_BOOTSTRAP"]
    async with AIOKafkaConsumer(
        HEADS.name, bootstrap_servers=bootstrap, auto_offset_reset="earliest"
    ) as heads:
        async for record in heads:
            try:
                _, sealed = decode(record.key, record.value, record.headers, record.timestamp)
            except Undecodable:
                continue
            if not isinstance(sealed, LogSealed) or sealed.size <= tree.size:
                continue  # it came twice
            if wrong := trouble(tree, sealed, key, kept):
                return wrong
            if kept is None or tree.size > kept.size:
                keep(sealed.checkpoint)
            print(f"{sealed.sealed_at.isoformat()} {sealed.size} {sealed.root}", flush=True)
    return "there is nothing to follow any more"


def main() -> None:
    """Read what was kept, and follow."""
    key, file = checkpoints.key(sys.argv[1]), Path(sys.argv[2])
    kept = signed(file.read_text(errors="replace"), key) if file.exists() else None
    if kept is None and file.exists():
        sys.exit(f"wrong: what {file} holds is no head that this key has signed")

    def keep(note: str) -> None:
        """Whole or not at all, whenever this program ends."""
        written = file.with_name(f"{file.name}.new")
        written.write_text(note)
        written.replace(file)

    sys.exit(f"wrong: {asyncio.run(follow(key, kept, keep))}")


if __name__ == "__main__":
    main()
