"""Heads of all tickets are sealed into one tree, signed and published; what was signed stays signed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from notes import signing
from notes.proof import disclosed, due, regaining, sealing, tree
from notes.proof.levelled import Levelled, NotLevel
from notes.proof.regaining import Forked
from notes.settings import NotesSettings
from notes.signing import Signer
from relato_contracts import merkle
from relato_contracts.topics import HEADS
from relato_runtime.database import open_pool
from relato_runtime.readiness import Readiness

from tests.conftest import PARTITIONS
from tests.support import sealed
from tests.support.databases import back_up, put_back
from tests.support.topics import make_anew
from tests.support.waiting import until


@pytest.fixture
def settings(notes_settings: NotesSettings, tmp_path: Path) -> NotesSettings:
    key = sealed.new_key(tmp_path / "log-key.pem")
    return notes_settings.model_copy(update={"log_key_file": key, "seal_seconds": 1})


@pytest.fixture
def signer(settings: NotesSettings) -> Signer:
    return signing.load(Path(settings.log_key_file), settings.log_name)


@pytest.fixture
async def log(settings: NotesSettings) -> AsyncIterator[asyncpg.Connection]:
    async with connected(settings) as connection:
        yield connection


@asynccontextmanager
async def connected(settings: NotesSettings) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    try:
        yield connection
    finally:
        await connection.close()


async def sealed_once(settings: NotesSettings, log: asyncpg.Connection, signer: Signer) -> None:
    """As one round of the loop does it."""
    await sealing.seal(log, signer)
    await sealing.publish(settings, log)


async def test_each_head_is_a_leaf_once_and_every_size_is_signed_and_follows_on_the_one_before(
    settings: NotesSettings, log: asyncpg.Connection, signer: Signer
) -> None:
    for tickets in (["1001"], ["1001", "1002", "1003"], [], ["1002"]):
        await sealed.record(log, tickets, 2)
        await sealed_once(settings, log, signer)
    found = await sealed.published(settings, 3)
    assert [[(leaf.ticket_id, leaf.version) for leaf in each.leaves] for each in found] == [
        [("1001", 2)],
        [("1001", 4), ("1002", 2), ("1003", 2)],
        [("1002", 4)],
    ]
    before = None
    for each in found:
        checkpoint = signing.signed(each.head.checkpoint, [signer.key])
        assert checkpoint is not None
        assert (checkpoint.size, checkpoint.root) == (each.head.size, each.head.root)
        if before is not None:
            path = merkle.consistency(before.size, each.head.size)
            known = await tree.nodes(log, [node for part in path for node in merkle.nodes(part)])
            proof = merkle.proof(path, known.__getitem__)
            assert merkle.is_consistent(before.size, each.head.size, before.root, each.head.root, proof)
        before = each.head
    heads = {row["ticket_id"]: row["head"] for row in await log.fetch("SELECT ticket_id, head FROM streams")}
    assert found[2].leaves[0].head == heads["1002"]


async def test_more_than_one_head_can_tell_is_sealed_in_several(
    settings: NotesSettings, log: asyncpg.Connection, signer: Signer
) -> None:
    await sealed.record(log, [f"T{number:04}" for number in range(2_100)])
    await sealed_once(settings, log, signer)
    assert [each.head.size for each in await sealed.published(settings, 3)] == [1_000, 2_000, 2_100]
    await sealed_once(settings, log, signer)
    assert not await tree.unpublished(log, 1)


async def test_nothing_is_signed_before_kafka_has_it(
    settings: NotesSettings, log: asyncpg.Connection, signer: Signer
) -> None:
    """A log that is put back would never come to it again."""
    await sealed.record(log, ["1001", "1002"])
    await log.execute(
        "INSERT INTO outbox (seq, ticket_id, version) SELECT seq, ticket_id, version FROM events"
        " WHERE ticket_id = '1002'"
    )
    await sealed_once(settings, log, signer)
    await log.execute("DELETE FROM outbox")
    await sealed_once(settings, log, signer)
    found = await sealed.published(settings, 2)
    assert [[leaf.ticket_id for leaf in each.leaves] for each in found] == [["1001"], ["1002"]]


async def test_how_long_nobody_has_vouched_for_something_is_known_until_kafka_has_its_head(
    settings: NotesSettings, log: asyncpg.Connection, signer: Signer
) -> None:
    assert await due.waiting(log) == 0
    await sealed.record(log, ["1001"], 1)
    await log.execute("UPDATE events SET recorded_at = now() - interval '1 hour'")
    assert await due.waiting(log) >= 3_600
    await sealing.seal(log, signer)
    assert 0 < await due.waiting(log) < 3_600, "signed, and nowhere else yet"
    await sealing.publish(settings, log)
    assert await due.waiting(log) == 0


async def test_rows_that_claim_too_much_keep_nothing_from_being_sealed(
    settings: NotesSettings, log: asyncpg.Connection, signer: Signer
) -> None:
    await sealed.record(log, ["1001"])
    await sealed_once(settings, log, signer)
    await log.execute(
        "INSERT INTO tree_leaves SELECT 1000000, ticket_id, 2147483647, head FROM tree_leaves;"
        "UPDATE tree_leaves SET version = 2147483647;"
        "UPDATE sealing SET seq = 1000000000"
    )
    assert await due.waiting(log) > 0, "nothing can be sealed that far"
    await sealed.record(log, ["1001"])
    await sealed_once(settings, log, signer)
    found = (await sealed.published(settings, 2))[1]
    assert [(leaf.ticket_id, leaf.version) for leaf in found.leaves] == [("1001", 2)]
    assert await due.waiting(log) == 0
    await log.execute("DELETE FROM sealing")
    assert await due.waiting(log) > 0, "nobody can seal"


async def test_nothing_is_signed_for_a_proof_where_the_tree_was_not_brought_level(
    settings: NotesSettings,
) -> None:
    """Of one size there would be two heads, and the sealing of all would be over."""
    url, levelled = settings.database_url.get_secret_value(), Levelled()
    backup = await back_up(url)
    working = asyncio.create_task(sealing.run(settings, Readiness(), levelled))
    try:
        async with open_pool(url) as pool, connected(settings) as log:
            await until(lambda: _is(bool(levelled)), what="a tree that is level")
            await sealed.record(log, ["1001"])
            assert await disclosed.whole(settings, pool, levelled, "1001") is not None
        await put_back(url, backup)
        async with open_pool(url) as pool, connected(settings) as log:
            await sealed.record(log, ["1001"])
            with pytest.raises(NotLevel):
                await disclosed.whole(settings, pool, levelled, "1001")
            assert await tree.latest(log) is None
    finally:
        working.cancel()


async def test_what_is_recorded_is_sealed_by_one_of_several_processes(
    settings: NotesSettings, log: asyncpg.Connection
) -> None:
    working = [asyncio.create_task(sealing.run(settings, Readiness(), Levelled())) for _ in range(2)]
    try:
        for number in range(3):
            await sealed.record(log, ["1001", "1002"])

            async def done(size: int = 2 * (number + 1)) -> bool:
                latest = await tree.latest(log)
                return latest is not None and latest.size == size and not await tree.unpublished(log, 1)

            await until(done, what="a head")
    finally:
        for task in working:
            task.cancel()
    assert [each.head.size for each in await sealed.published(settings, 3)] == [2, 4, 6]


async def test_without_a_key_nothing_is_signed_and_that_is_said(settings: NotesSettings) -> None:
    readiness, without = Readiness(), settings.model_copy(update={"log_key_file": ""})
    working = asyncio.create_task(sealing.run(without, readiness, Levelled()))
    await until(lambda: _is(bool(readiness.remarks)), what="a remark")
    working.cancel()
    assert "RELATO_LOG_KEY_FILE" in readiness.remarks["heads"]


async def _is(so: bool) -> bool:
    return so


async def test_a_log_that_was_put_back_takes_over_what_was_signed_since(
    settings: NotesSettings, signer: Signer
) -> None:
    url = settings.database_url.get_secret_value()
    async with connected(settings) as log:
        await sealed.record(log, ["1001", "1002"])
        await sealed_once(settings, log, signer)
    backup = await back_up(url)
    async with connected(settings) as log:
        for tickets in (["1002", "1003"], ["1001"]):
            await sealed.record(log, tickets)
            await sealed_once(settings, log, signer)
        before = await _tree(log)
    await put_back(url, backup)
    async with connected(settings) as log:
        await regaining.level(settings, log, [signer.key])
        assert await _tree(log) == before
        assert not await tree.unpublished(log, 1)
        await sealed.record(log, ["1004"])
        await sealed_once(settings, log, signer)
    assert [each.head.size for each in await sealed.published(settings, 4)] == [2, 4, 5, 6]


async def test_heads_that_a_broker_has_lost_are_published_again(
    settings: NotesSettings, log: asyncpg.Connection, signer: Signer
) -> None:
    for _ in range(3):
        await sealed.record(log, ["1001"])
        await sealed_once(settings, log, signer)
    before = await sealed.published(settings, 3)
    await make_anew(settings, HEADS, partitions=PARTITIONS)
    await regaining.level(settings, log, [signer.key])
    await sealing.publish(settings, log)
    assert await sealed.published(settings, 3) == before


async def test_a_tree_that_never_had_what_was_published_signs_nothing_more(
    settings: NotesSettings, signer: Signer
) -> None:
    """Two heads of one size would be two truths, each of them signed."""
    url = settings.database_url.get_secret_value()
    backup = await back_up(url)
    async with connected(settings) as log:
        await sealed.record(log, ["1001"])
        await sealed_once(settings, log, signer)
    await put_back(url, backup)
    async with connected(settings) as log:
        await sealed.record(log, ["1001"])
        await sealing.seal(log, signer)
        with pytest.raises(Forked):
            await regaining.level(settings, log, [signer.key])


async def test_what_another_key_has_signed_is_not_taken_over(
    settings: NotesSettings, tmp_path: Path, signer: Signer
) -> None:
    url = settings.database_url.get_secret_value()
    backup = await back_up(url)
    other = signing.load(Path(sealed.new_key(tmp_path / "other.pem")), settings.log_name)
    async with connected(settings) as log:
        await sealed.record(log, ["1001"])
        await sealed_once(settings, log, other)
    await put_back(url, backup)
    async with connected(settings) as log:
        await regaining.level(settings, log, [signer.key])
        assert await tree.latest(log) is None


async def _tree(log: asyncpg.Connection) -> list[list[tuple[object, ...]]]:
    tables = (
        "SELECT * FROM tree_leaves ORDER BY 1",
        "SELECT * FROM tree_nodes ORDER BY 1, 2",
        "SELECT * FROM tree_heads ORDER BY 1",
    )
    return [[tuple(row) for row in await log.fetch(query)] for query in tables]
