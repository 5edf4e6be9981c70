"""Relays that take turns, people who write meanwhile, and a broker that answers when it likes."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import UUID

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.structs import RecordMetadata, TopicPartition
from notes import outbox, relay, store
from notes.proof import chain
from notes.relay import Relay
from notes.settings import NotesSettings
from notes.store import NewEvent
from pydantic import SecretStr
from relato_contracts.commitments import SALT_BYTES
from relato_contracts.envelope import serialise, type_name
from relato_contracts.notes import HistoryViewed
from relato_runtime.readiness import Readiness
from uuid6 import uuid7

from tests.model.conftest import Stage
from tests.model.schedule import Action, Process, Schedule, Violated
from tests.model.stepped import SteppedPool

_PARTITION = TopicPartition("relato.notes", 0)
_LEASE = timedelta(seconds=3)
_WRITES = 8
_SETTINGS = NotesSettings(
    database_url=SecretStr("postgresql:///unused"), kafka_bootstrap="unused", oidc_issuer="http://unused"
)


@dataclass
class Broker:
    """A topic of one partition, and what is under way to it from each producer, in order."""

    topic: list[tuple[str, int]] = field(default_factory=list)
    under_way: "dict[str, list[tuple[tuple[str, int], asyncio.Future[RecordMetadata]]]]" = field(
        default_factory=dict
    )
    answers: "list[tuple[int, asyncio.Future[RecordMetadata]]]" = field(default_factory=list)

    def takes_one(self, chance: Callable[[Sequence[str]], str]) -> None:
        """The next record of some producer arrives; its answer is yet to come."""
        name = chance(self.producers)
        record, answered = self.under_way[name].pop(0)
        self.topic.append(record)
        self.answers.append((len(self.topic) - 1, answered))

    def answers_one(self) -> None:
        """A producer learns of it."""
        offset, answered = self.answers.pop(0)
        if not answered.done():
            answered.set_result(RecordMetadata(*_PARTITION, _PARTITION, offset, offset, 1, 0))

    def loses(self, names: Sequence[str]) -> None:
        """What dead producers had sent does not arrive any more."""
        for name in names:
            self.under_way.pop(name, None)

    @property
    def producers(self) -> list[str]:
        """Those who wait for the broker."""
        return [name for name, records in self.under_way.items() if records]


class _Producer:
    """What the relay uses of one."""

    def __init__(self, broker: Broker, process: Process) -> None:
        self._queue = broker.under_way.setdefault(process.name, [])

    async def send(
        self, topic: str, *, value: bytes, key: bytes, headers: list[tuple[str, bytes]]
    ) -> "asyncio.Future[RecordMetadata]":
        answered: asyncio.Future[RecordMetadata] = asyncio.get_running_loop().create_future()
        version = int(dict(headers)["ce_streamversion"])
        self._queue.append(((key.decode(), version), answered))
        return answered


class Clock:
    """The relay's own clock, which goes with the database's."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        """Seconds since some time."""
        return self.now


async def prepare(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Two tickets; relays that do not rest; a note of who forgets what."""
    await stage.observer.execute(_WATCHED)
    await stage.observer.execute("INSERT INTO streams (ticket_id) VALUES ('1001'), ('1002')")
    clock = Clock()
    monkeypatch.setattr(relay, "time", clock)
    monkeypatch.setattr(relay, "_POLL_SECONDS", 0)
    monkeypatch.setattr(relay, "_BATCH", 2)  # so that it reads ahead
    return clock


async def explore(stage: Stage, schedule: Schedule, changed: Callable[[str], str], clock: Clock) -> None:
    """One schedule; ``Violated`` when a promise was broken."""
    await stage.observer.execute(_RESET)
    broker = Broker()
    async with AsyncExitStack() as stack:
        number = 0
        written = 0
        relays: list[Process] = []

        def process(name: str) -> tuple[Process, SteppedPool]:
            made = schedule.process(name)
            pool = SteppedPool(stage.url, schedule, made, changed)
            stack.push_async_callback(pool.close)
            return made, pool

        async def start() -> None:
            nonlocal number
            number += 1
            made, pool = process(f"relay {number}")
            relays.append(made)
            schedule.start(made, _relay(pool, made, broker, schedule))

        writer, writing = process("writer")
        writer.mortal = False

        async def write() -> None:
            nonlocal written
            written += 1
            schedule.start(writer, _write(writing, schedule.chance.choice(["1001", "1002"])))

        async def wait(seconds: float) -> None:
            clock.now += seconds
            await stage.advance(seconds)

        def living() -> int:
            return sum(not each.tasks[0].done() for each in relays)

        actions = [
            Action("an event is written", write, lambda: written < _WRITES),
            Action("the broker takes a record", _done(lambda: broker.takes_one(schedule.chance.choice)),
                   lambda: bool(broker.producers), weight=2.0),
            Action("the broker answers", _done(broker.answers_one), lambda: bool(broker.answers), weight=2.0),
            Action("a relay starts", start, lambda: living() < 2),
            Action("what the dead sent is lost",
                   _done(lambda: broker.loses([each.name for each in relays if not each.alive])), weight=0.2),
            Action("a second passes", lambda: wait(1.1), weight=0.3),
            Action("a lease passes", lambda: wait(3.5), weight=0.2),
        ]  # fmt: skip
        try:
            await schedule.explore(
                actions, lambda: _nothing_lost(stage, broker), lambda: False, steps=200, deaths=2
            )
            await schedule.kill_all()
            await _drain(schedule, stage, start, wait, actions[1:3])
            await _holds(stage, broker)
        finally:
            await schedule.kill_all()


async def _relay(pool: SteppedPool, process: Process, broker: Broker, schedule: Schedule) -> None:
    """As its ``run`` does, but for connections and waiting: lead, then relay."""
    async with pool.acquire() as connection:
        while (epoch := await outbox.lead(connection, process.name, _LEASE)) is None:
            pass
        producer = cast(AIOKafkaProducer, _Producer(broker, process))
        running = Relay(_SETTINGS, Readiness("relay"), "relay")
        await running._lead(connection, producer, epoch)  # type: ignore[arg-type]  # a connection in steps


async def _write(pool: SteppedPool, ticket_id: str) -> None:
    async with pool.acquire() as connection, connection.transaction():
        streams = await store.lock_streams(connection, [ticket_id])
        state = streams[ticket_id].state
        version = state.version + 1
        fact = HistoryViewed(
            ticket_id=ticket_id,
            requester_id="ana",
            author_id="ana",
            author_name="Ana",
            viewer_id="ana",
            up_to_version=version,
        )
        event = NewEvent(
            event_id=UUID(str(uuid7())),
            ticket_id=ticket_id,
            version=version,
            type=type_name(HistoryViewed),
            subject_id=None,
            actor="ana",
            correlation_id="c",
            traceparent=None,
            recorded_at=datetime.now(UTC),
            data=serialise(fact).decode(),
            salt=bytes(SALT_BYTES),
        )
        now = store.Stream(type(state)(version), event.recorded_at)
        await store.append(connection, [event], chain.follow({}, [event]), {ticket_id: now}, [])


async def _drain(
    schedule: Schedule,
    stage: Stage,
    start: Callable[[], Awaitable[None]],
    wait: Callable[[float], Awaitable[None]],
    actions: Sequence[Action],
) -> None:
    """Whoever relays last brings everything to Kafka."""
    await wait(3.5)
    await start()
    empty = False

    async def look() -> None:
        nonlocal empty
        empty = bool(await stage.observer.fetchval("SELECT NOT EXISTS (SELECT FROM outbox)"))

    await schedule.explore(actions, look, lambda: empty, steps=400)
    if not empty:
        raise Violated("something waits for ever")


async def _nothing_lost(stage: Stage, broker: Broker) -> None:
    """Only what Kafka has is forgotten, and only by whoever leads."""
    rows = await stage.observer.fetch(
        "SELECT ticket_id, version FROM events EXCEPT SELECT ticket_id, version FROM outbox"
    )
    if lost := {(row["ticket_id"], row["version"]) for row in rows} - set(broker.topic):
        raise Violated(f"forgotten, and not on the topic: {lost}")
    by = await stage.observer.fetchrow("SELECT by, leader FROM model.forgotten WHERE by <> leader")
    if by is not None:
        raise Violated(f"{by['by']} has forgotten events while {by['leader']} leads")


async def _holds(stage: Stage, broker: Broker) -> None:
    """Who drops what it has finds every ticket's events in order and without holes."""
    reached: dict[str, int] = {}
    for ticket_id, version in broker.topic:
        last = reached.get(ticket_id, 0)
        if version > last + 1:
            raise Violated(f"version {version} of {ticket_id} follows {last}")
        reached[ticket_id] = max(last, version)
    for row in await stage.observer.fetch("SELECT ticket_id, version FROM streams"):
        if reached.get(row["ticket_id"], 0) != row["version"]:
            raise Violated(f"the topic ends before version {row['version']} of {row['ticket_id']}")


def _done(act: Callable[[], None]) -> Callable[[], Awaitable[None]]:
    async def happen() -> None:
        act()

    return happen


_WATCHED = """
CREATE TABLE model.forgotten (by text, leader text);
CREATE FUNCTION model.note_forgotten() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO model.forgotten
    SELECT current_setting('model.process'), holder FROM public.relay_lease;
    RETURN NULL;
END $$;
CREATE TRIGGER forgotten AFTER DELETE ON outbox FOR EACH ROW EXECUTE FUNCTION model.note_forgotten();
"""
_RESET = """
TRUNCATE events, outbox, published, model.forgotten;
UPDATE streams SET version = 0, seen_up_to = 0, shown_version = 0, recorded_at = 'epoch';
UPDATE relay_lease SET expires_at = '-infinity', holder = NULL;
"""
