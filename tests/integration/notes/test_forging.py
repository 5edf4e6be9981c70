"""Whoever has the database rewrites what was recorded, in every way: each time it is found and named."""

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import asyncpg
import pytest
from notes import signing
from notes.operating import verify
from notes.proof import chain, growing, heads, sealing, tree, witnessing
from notes.proof.chained import Unchained
from notes.settings import NotesSettings
from notes.signing import Signer
from relato_contracts import commitments
from relato_contracts.commitments import Part
from relato_contracts.notes import TextErased
from relato_contracts.topics import HEADS
from relato_runtime import jobs, kafka
from relato_runtime.caller import Caller
from relato_runtime.database import open_pool
from relato_runtime.operations import Operation

from tests.conftest import PARTITIONS
from tests.support import sealed
from tests.support import stream as a
from tests.support.topics import make_anew
from tests.support.waiting import until

TIMES = 100
EVENTS = 8
OLGA = Caller("olga", "Olga", frozenset({"operator"}))


class Found(NamedTuple):
    """What a verification says."""

    kind: str
    ticket_id: str | None
    version: int | None


class Log:
    """A log with some hundred tickets, sealed and published in three steps, and its forger."""

    def __init__(self, settings: NotesSettings, connection: asyncpg.Connection, signer: Signer) -> None:
        self.settings, self.connection, self.signer = settings, connection, signer
        self.chance = random.Random(7)
        self.tickets = [f"T{number:03}" for number in range(TIMES)]

    async def lay(self) -> None:
        """Record, seal and publish."""
        for each in (3, 4, 1):
            await sealed.record(self.connection, self.tickets, each)
            await self.seal()

    async def seal(self) -> None:
        """As one round of the loop does it."""
        await sealing.seal(self.connection, self.signer)
        await sealing.publish(self.settings, self.connection)

    def place(self, first: int = 1, last: int = EVENTS) -> int:
        """A version at random."""
        return self.chance.randint(first, last)

    async def change(self, ticket_id: str, version: int, statement: str) -> None:
        """Change an event, as ``SET`` says it."""
        await self.connection.execute(
            f"UPDATE events SET {statement} WHERE ticket_id = $1 AND version = $2",  # of the test
            *(ticket_id, version),
        )

    async def renumber(self, ticket_id: str, numbers: dict[int, int]) -> None:
        """Give a ticket's events other versions."""
        for sign in (-1, 1):  # by way of numbers that nothing has
            for version, now in numbers.items():
                before, after = (version, -now) if sign < 0 else (-now, now)
                await self.connection.execute(
                    "UPDATE events SET version = $3 WHERE ticket_id = $1 AND version = $2",
                    *(ticket_id, before, after),
                )

    async def stream(self, ticket_id: str) -> None:
        """Make a ticket's stream agree with its events."""
        await self.connection.execute(
            """
            UPDATE streams SET version = last.version, chained = last.version, head = last.hash
            FROM (SELECT version, hash FROM events WHERE ticket_id = $1 ORDER BY version DESC LIMIT 1) AS last
            WHERE ticket_id = $1
            """,
            ticket_id,
        )

    async def rewrite(self, ticket_id: str, version: int) -> None:
        """Another past from a version on, with salts and hashes that fit."""
        await self.change(ticket_id, version, "data = replace(data::text, 'Ana', 'Eva')::json")
        rows = await self.connection.fetch(
            "SELECT ticket_id, version, event_id, type, actor, correlation_id, recorded_at, data::text"
            " FROM events WHERE ticket_id = $1 ORDER BY version",
            ticket_id,
        )
        before = await self.connection.fetchval(
            "SELECT hash FROM events WHERE ticket_id = $1 AND version = $2", ticket_id, version - 1
        )
        events = [Unchained(**dict(row), salt=secrets.token_bytes(32)) for row in rows[version - 1 :]]
        hashes = chain.follow({} if before is None else {(ticket_id, version - 1): before}, events)
        await self.connection.executemany(
            "UPDATE events SET salt = $3, hash = $4 WHERE ticket_id = $1 AND version = $2",
            [
                (ticket_id, each.version, each.salt, hashed)
                for each, hashed in zip(events, hashes, strict=True)
            ],
        )
        await self.stream(ticket_id)

    async def close(self, ticket_id: str, version: int, part: Part) -> None:
        """Put a part's digest in the place of its salt: what the event says there, nobody can check then."""
        row = await self.connection.fetchrow(
            "SELECT ticket_id, version, event_id, type, actor, correlation_id, recorded_at, data::text, salt"
            " FROM events WHERE ticket_id = $1 AND version = $2",
            *(ticket_id, version),
        )
        assert row is not None
        known = commitments.closed(
            chain.parts(Unchained(**dict(row))), commitments.openings(row["salt"]), [part]
        )
        await self.connection.execute(
            "UPDATE events SET salt = NULL, openings = $3::json WHERE ticket_id = $1 AND version = $2",
            *(ticket_id, version, chain.written(known)),
        )

    async def rewrite_tree(self, signer: Signer) -> list[heads.Sealed]:
        """Make the tree agree with the log as it now is, and sign that; as it would be published."""
        signed = await tree.beyond(self.connection, 0)
        leaves = [await tree.leaves(self.connection, each.size) for each in signed]
        await self.connection.execute("TRUNCATE tree_leaves, tree_nodes, tree_heads")
        for before, some in zip(signed, leaves, strict=True):
            now = [
                tree.Leaf(
                    *(each.ticket_id, each.version),
                    await self.connection.fetchval(
                        "SELECT hash FROM events WHERE ticket_id = $1 AND version = $2",
                        *(each.ticket_id, each.version),
                    ),
                )
                for each in some
            ]
            async with self.connection.transaction():
                head = await growing.grow(self.connection, signer, now)
            assert head.size == before.size
        await self.connection.execute("UPDATE tree_heads SET published = true")
        return [
            heads.Sealed(each, await tree.leaves(self.connection, each.size))
            for each in await tree.beyond(self.connection, 0)
        ]

    async def republish(self, forged: Sequence[heads.Sealed]) -> None:
        """Replace the topic."""
        await make_anew(self.settings, HEADS, partitions=PARTITIONS)
        topic = self.settings.topic_prefix + HEADS.name
        async with kafka.producing(self.settings) as producer:
            await kafka.send(
                producer,
                [heads.record_of(topic, self.settings.log_name, each.head, each.leaves) for each in forged],
            )

    async def verified(self, **wish: object) -> set[Found]:
        """All that a whole verification finds."""
        url = self.settings.database_url.get_secret_value()
        # All waits for Kafka: this is about what log and heads say of each other, without the topic of notes.
        await self.connection.execute(
            "TRUNCATE outbox; INSERT INTO outbox (seq, ticket_id, version, enqueued_at)"
            " SELECT seq, ticket_id, version, now() + interval '1 hour' FROM events"
        )
        async with open_pool(url) as pool:
            async with self.connection.transaction():
                operation = Operation("events", "verify", OLGA, "a test", False)
                given = {"outbox_seconds": 60, "log_keys": [self.signer.key.line()]} | wish
                await jobs.begin(self.connection, operation, given, None)
            job = await jobs.claim(pool, ["verify"])
            assert job is not None
            await verify.verify(self.settings, job)
        rows = await self.connection.fetch(
            "SELECT kind, ticket_id, version FROM job_findings WHERE job = $1", job.id
        )
        return {Found(**dict(row)) for row in rows}


def _salted(events: Sequence[Unchained]) -> tuple[list[int], list[bytes]]:
    return [each.version for each in events], [each.salt for each in events]


@pytest.fixture
async def log(notes_settings: NotesSettings, tmp_path: Path) -> AsyncIterator[Log]:
    key = sealed.new_key(tmp_path / "key.pem")
    settings = notes_settings.model_copy(update={"log_key_file": key, "seal_seconds": 1})
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    try:
        laid = Log(settings, connection, signing.load(Path(settings.log_key_file), settings.log_name))
        await laid.lay()
        yield laid
    finally:
        await connection.close()


async def test_a_log_that_nobody_has_touched_is_what_was_signed(log: Log) -> None:
    assert await log.verified() == set()


Forgery = Callable[[Log, str], Awaitable[set[int]]]
"""Forges something on a ticket, and says at which of these versions it may be named."""


def _other(was: str, now: str) -> str:
    return f"data = replace(data::text, '{was}', '{now}')::json"


_TEXTS = (
    _other("Texto", "Outro"),
    _other('"description_text":"Texto', '"description_text":"Outro'),
    _other("Cabo trocado", "Cabo cortado"),
)
_AUTHORS = (
    "actor = 'eva'",
    _other('"author_id":"ana"', '"author_id":"eva"'),
    _other('"author_name":"Ana"', '"author_name":"Eva"'),
)
_DATES = (
    "recorded_at = recorded_at - interval '1 microsecond'",
    _other('"occurred_at":"2026', '"occurred_at":"2025'),
)
_IDENTITIES = (
    *("event_id = gen_random_uuid()", "correlation_id = 'x'", "type = 'relato.ChatMessagePosted.v1'"),
    *("subject_id = gen_random_uuid()", "salt = sha256(salt)", "hash = sha256(hash)", "salt = NULL"),
    _other('"time_spent_minutes":15', '"time_spent_minutes":51'),
    _other('"visible_to_requester":false', '"visible_to_requester":true'),
)


def _changed(*statements: str) -> Forgery:
    """One of these changes, at one of a ticket's events."""

    async def change(log: Log, ticket_id: str) -> set[int]:
        version = log.place()
        await log.change(ticket_id, version, log.chance.choice(statements))
        return {version}

    return change


async def _identity(log: Log, ticket_id: str) -> set[int]:
    version = log.place()
    await log.change(ticket_id, version, log.chance.choice(_IDENTITIES))
    return {version, version + 1}


async def _hole(log: Log, ticket_id: str) -> set[int]:
    version = log.place(last=EVENTS - 1)
    await _hole_at(log, ticket_id, version)
    return {version}


async def _removed(log: Log, ticket_id: str) -> set[int]:
    version = log.place(last=EVENTS - 1)
    await _hole_at(log, ticket_id, version)
    await log.renumber(ticket_id, {each: each - 1 for each in range(version + 1, EVENTS + 1)})
    await log.stream(ticket_id)
    return {version}


async def _hole_at(log: Log, ticket_id: str, version: int) -> None:
    await log.connection.execute(
        "DELETE FROM events WHERE ticket_id = $1 AND version = $2", ticket_id, version
    )


async def _inserted(log: Log, ticket_id: str) -> set[int]:
    """With a hash that follows, so that only what comes behind it does not."""
    version = log.place(first=2)
    await log.renumber(ticket_id, {each: each + 1 for each in range(version, EVENTS + 1)})
    row = await log.connection.fetchrow(
        """
        INSERT INTO events
        SELECT ticket_id, version + 1, nextval('events_seq'), gen_random_uuid(), type, subject_id, actor,
            correlation_id, traceparent, recorded_at, data, sha256(salt)
        FROM events WHERE ticket_id = $1 AND version = $2
        RETURNING ticket_id, version, event_id, type, actor, correlation_id, recorded_at, data::text, salt
        """,
        *(ticket_id, version - 1),
    )
    before = await log.connection.fetchval(
        "SELECT hash FROM events WHERE ticket_id = $1 AND version = $2", ticket_id, version - 1
    )
    assert row is not None
    (hashed,) = chain.follow({(ticket_id, version - 1): before}, [Unchained(**dict(row))])
    await log.connection.execute(
        "UPDATE events SET hash = $3 WHERE ticket_id = $1 AND version = $2", ticket_id, version, hashed
    )
    await log.stream(ticket_id)
    return {version, version + 1}


async def _reordered(log: Log, ticket_id: str) -> set[int]:
    first, second = sorted(log.chance.sample(range(1, EVENTS + 1), 2))
    await log.renumber(ticket_id, {first: second, second: first})
    await log.stream(ticket_id)
    return {first}


async def _cut(log: Log, ticket_id: str) -> set[int]:
    last = log.place(first=1, last=EVENTS - 1)
    await log.connection.execute("DELETE FROM events WHERE ticket_id = $1 AND version > $2", ticket_id, last)
    await log.stream(ticket_id)
    return {3, 7, 8} - set(range(last + 1))


async def _rewritten(log: Log, ticket_id: str) -> set[int]:
    version = log.place()
    await log.rewrite(ticket_id, version)
    return {each for each in (3, 7, 8) if each >= version}


async def _erased(log: Log, ticket_id: str) -> set[int]:
    """As if it had been erased, with nobody having said so."""
    version = log.place()
    words: dict[Part, str] = {"author": "Ana", "text": "(<p>)?Texto 1(</p>)?"}
    part, said = log.chance.choice(list(words.items()))
    await log.close(ticket_id, version, part)
    await log.change(
        ticket_id, version, f"data = regexp_replace(data::text, '\"{said}\"', '\"[erased]\"', 'g')::json"
    )
    return {version}


@pytest.mark.parametrize(
    ("kind", "forge"),
    [
        ("forged", _changed(*_TEXTS)), ("forged", _changed(*_AUTHORS)), ("forged", _changed(*_DATES)),
        ("forged", _identity), ("hole", _hole), ("forged", _removed), ("forged", _inserted),
        ("forged", _reordered), ("cut", _cut), ("rewritten", _rewritten), ("forged", _erased),
    ],
    ids=[
        *("text", "author", "date", "identity", "hole", "removed", "inserted", "reordered"),
        *("cut", "rewritten", "erased"),
    ],
)  # fmt: skip
async def test_each_forgery_is_found_a_hundred_times_of_a_hundred(
    log: Log, kind: str, forge: Forgery
) -> None:
    forged = {ticket_id: await forge(log, ticket_id) for ticket_id in log.tickets}
    found = await log.verified()
    missed = [
        ticket_id
        for ticket_id, versions in forged.items()
        if not any(Found(kind, ticket_id, version) in found for version in versions)
    ]
    assert not missed
    # And nothing else is blamed but what comes of it.
    assert {each.ticket_id for each in found} <= set(log.tickets)


async def test_of_an_erased_event_nothing_can_be_made_to_say_something_else(log: Log) -> None:
    """Not even the code that stands for a reason: of it the digest was known, before somebody closed it."""
    (ticket_id, *_) = log.tickets
    undone = a.retracted(ticket_id=ticket_id, reason="undone", release_outcome="undone")
    gone = TextErased(
        ticket_id=ticket_id, versions=(9,), anonymous=(), subjects=(), cause="request", erased_at=a.BEGINNING
    )
    await sealed.record(log.connection, [ticket_id], fact=lambda _: undone)
    await sealed.record(log.connection, [ticket_id], fact=lambda _: gone)
    await log.seal()
    assert await log.verified() == set()
    await log.close(ticket_id, 9, "reason")
    await log.change(ticket_id, 9, _other('"reason":"undone"', '"reason":"Ana pediu"'))
    assert await log.verified() == {Found("forged", ticket_id, 9)}


async def _claimed(log: Log) -> None:
    """The tree's leaves say that they are what the log has come to."""
    await log.connection.execute(
        "UPDATE tree_leaves SET version = streams.version, head = streams.head FROM streams"
        " WHERE streams.ticket_id = tree_leaves.ticket_id AND tree_leaves.version = 8"
    )


async def _alone(log: Log) -> None:
    """Whoever wants to seal takes it that another does."""
    await log.connection.execute("DELETE FROM sealing")


async def _held(log: Log) -> None:
    """Kafka is said to lack something of each ticket."""
    await log.connection.execute(
        "INSERT INTO outbox (seq, ticket_id, version)"
        " SELECT 1000000000 + row_number() OVER (), ticket_id, version FROM streams"
    )


@pytest.mark.parametrize("silence", [_claimed, _alone, _held])
async def test_what_no_published_head_vouches_for_is_found_whatever_the_database_says(
    log: Log, silence: Callable[[Log], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witnessing, "_PATIENCE_SECONDS", 0.5)
    await sealed.record(log.connection, log.tickets, 2, ago=timedelta(hours=1))
    await silence(log)
    await log.seal()
    found = await log.verified()
    assert {each for each in found if each.kind == "unsealed"} == {
        Found("unsealed", ticket_id, EVENTS + 1) for ticket_id in log.tickets
    }


async def test_what_is_sealed_while_a_verification_looks_is_not_told(log: Log) -> None:
    """As after an import, or where nobody has sealed for a while."""
    await sealed.record(log.connection, log.tickets, 2, ago=timedelta(hours=1))

    async def seal() -> None:
        connection = await asyncpg.connect(log.settings.database_url.get_secret_value())
        try:
            await until(
                lambda: connection.fetchval("SELECT EXISTS (SELECT FROM checked_heads WHERE sealed > 0)"),
                what="heads",
            )
            await connection.execute("TRUNCATE outbox")
            await sealing.seal(connection, log.signer)
            await sealing.publish(log.settings, connection)
        finally:
            await connection.close()

    found, _ = await asyncio.gather(log.verified(), seal())
    assert "unsealed" not in {each.kind for each in found}


async def test_leaves_that_lie_where_the_tree_has_none_are_found_each(log: Log) -> None:
    await log.connection.executemany(
        "INSERT INTO tree_leaves (place, ticket_id, version, head) VALUES ($1, $2, 2147483647, 'x')",
        [(1_000_000 + number, ticket_id) for number, ticket_id in enumerate(log.tickets)],
    )
    await log.connection.execute("UPDATE sealing SET seq = 1000000000")
    await sealed.record(log.connection, log.tickets, ago=timedelta(hours=1))
    await log.seal()
    assert await log.verified() == {Found("tree", ticket_id, 2147483647) for ticket_id in log.tickets}


@pytest.mark.parametrize("own_key", [False, True], ids=["with the log's key", "with another key"])
async def test_a_rewritten_log_whose_tree_was_rewritten_too_contradicts_what_was_published(
    log: Log, tmp_path: Path, own_key: bool
) -> None:
    other = signing.load(Path(sealed.new_key(tmp_path / "other.pem")), log.settings.log_name)
    for ticket_id in log.tickets:
        await log.rewrite(ticket_id, log.place())
    await log.rewrite_tree(other if own_key else log.signer)
    found = await log.verified()
    assert {each.ticket_id for each in found if each.kind == "rewritten"} == set(log.tickets)
    assert "forked" in {each.kind for each in found}


async def test_heads_that_another_key_has_signed_are_found_each(log: Log, tmp_path: Path) -> None:
    """Log, tree and topic say the same, and none of it was signed with the key that people know."""
    for _ in range(TIMES - 3):
        await sealed.record(log.connection, [log.chance.choice(log.tickets)])
        await sealing.seal(log.connection, log.signer)
    other = signing.load(Path(sealed.new_key(tmp_path / "other.pem")), log.settings.log_name)
    for ticket_id in log.tickets:
        await log.rewrite(ticket_id, log.place())
    forged = await log.rewrite_tree(other)
    await log.republish(forged)
    assert len(forged) == TIMES
    await log.verified()
    unsigned = await log.connection.fetch(
        "SELECT detail->>'size' AS size FROM job_findings WHERE kind = 'unsigned' AND topic IS NOT NULL"
    )
    assert {int(row["size"]) for row in unsigned} == {each.head.size for each in forged}


async def test_what_others_put_beside_the_heads_is_found_wherever_it_lies(log: Log) -> None:
    topic = log.settings.topic_prefix + HEADS.name
    async with kafka.producing(log.settings) as producer:
        for partition in range(PARTITIONS):
            await producer.send_and_wait(topic, value=b"{}", key=b"relato", partition=partition)
    assert await log.verified() == {Found("unsigned", None, None)}
    number = await log.connection.fetchval("SELECT count(*) FROM job_findings WHERE kind = 'unsigned'")
    assert number == PARTITIONS


async def test_whoever_has_the_key_too_is_found_by_a_head_that_was_kept_elsewhere(log: Log) -> None:
    kept = await tree.latest(log.connection)
    assert kept is not None
    assert await log.verified(kept_heads=[kept.checkpoint]) == set()
    await log.rewrite(log.tickets[0], 1)
    await log.republish(await log.rewrite_tree(log.signer))
    assert await log.verified() == set()
    now = await tree.latest(log.connection)
    assert now is not None
    heads = [now.checkpoint, kept.checkpoint]
    assert {each.kind for each in await log.verified(kept_heads=heads)} == {"forked"}
    detail = "SELECT DISTINCT detail->>'kept' FROM job_findings WHERE kind = 'forked' AND detail ? 'kept'"
    assert await log.connection.fetchval(detail) == "2"
