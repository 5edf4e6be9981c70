"""Whoever follows the heads of a log elsewhere sees that one does not follow on what was there before."""

import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from notes import signing
from notes.proof import heads
from notes.proof.tree import Head, Leaf
from notes.signing import Signer
from relato_contracts import merkle
from relato_contracts.topics import HEADS
from relato_runtime import kafka
from relato_runtime.kafka import OutgoingRecord
from relato_runtime.settings import KafkaSettings
from uuid6 import uuid7

from tests.support import sealed
from tests.support.samples import CONTRACTS
from tests.support.topics import make_anew

LEAVES = [Leaf("1001", version, sha256(bytes([version])).digest()) for version in range(1, 9)]


def records(signer: Signer, leaves: Sequence[Leaf], *sizes: int) -> list[OutgoingRecord]:
    """A log's heads of these sizes."""
    made, before = [], 0
    for size in sizes:
        _, root = merkle.grow(0, [], [merkle.leaf(each.head) for each in leaves[:size]])
        head = Head(size, root, signer.sign(size, root), UUID(str(uuid7())), datetime.now(UTC))
        made.append(heads.record_of(HEADS.name, signer.key.name, head, leaves[before:size]))
        before = size
    return made


async def followed(settings: KafkaSettings, signer: Signer, kept: Path, lines: int) -> tuple[list[str], str]:
    """The program's lines until there are so many or it ends, and what it then says."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(CONTRACTS / "monitor_heads.py"), signer.key.line(), str(kept)),
        env={**os.environ, "RELATO_KAFKA_BOOTSTRAP": settings.kafka_bootstrap},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    said: list[str] = []
    async with asyncio.timeout(60):
        while len(said) < lines and (line := await process.stdout.readline()):
            said.append(line.decode().split()[1])
        if len(said) == lines:
            process.terminate()
        _, wrong = await process.communicate()
    return said, wrong.decode()


async def test_heads_that_follow_are_kept_and_another_past_is_seen(
    kafka_bootstrap: str, tmp_path: Path
) -> None:
    settings = KafkaSettings(kafka_bootstrap=kafka_bootstrap)
    await kafka.create_topics(settings, [HEADS], partitions=3)
    signer = signing.load(Path(sealed.new_key(tmp_path / "key.pem")), "relato")
    other = signing.load(Path(sealed.new_key(tmp_path / "other.pem")), "relato")
    kept = tmp_path / "kept"
    rewritten = [Leaf("1001", 1, bytes(32)), *LEAVES[1:]]
    first, second, third = records(signer, LEAVES, 2, 5, 7)
    for given, lines, wrong in (
        ([first, second, second, third], ["2", "5", "7"], ""),
        ([first, third], ["2"], "does not follow"),
        ([first, *records(other, LEAVES, 2, 5)[1:]], ["2"], "not signed by the key"),
        (records(signer, rewritten, 2, 7), ["2"], "does not begin with the 7 that were kept"),
        (records(signer, rewritten, 3, 8), ["3"], "does not begin with the 7 that were kept"),
    ):
        await make_anew(settings, HEADS, partitions=3)
        async with kafka.producing(settings) as producer:
            await kafka.send(producer, given)
        said, why = await followed(settings, signer, kept, len(lines) + bool(wrong))
        assert (said, wrong in why) == (lines, True), why
    assert kept.read_text().split("\n")[:2] == ["relato", "7"]


async def test_a_kept_file_that_the_key_has_not_signed_is_for_somebody_to_look_at(tmp_path: Path) -> None:
    """It may be the only witness that there is, of another key's log, or cut off."""
    settings = KafkaSettings(kafka_bootstrap="127.0.0.1:1")
    signer = signing.load(Path(sealed.new_key(tmp_path / "key.pem")), "relato")
    other = signing.load(Path(sealed.new_key(tmp_path / "other.pem")), "relato")
    kept = tmp_path / "kept"
    for held in (other.sign(2, bytes(32)), signer.sign(2, bytes(32))[:-9], "", "\udcff nothing of ours"):
        kept.write_text(held, errors="surrogateescape")
        said, why = await followed(settings, signer, kept, lines=1)
        assert (said, why) == ([], f"wrong: what {kept} holds is no head that this key has signed\n")
        assert kept.read_text(errors="surrogateescape") == held
