"""Dead letters taken in after all, or given up: one by one, each in a transaction, in order per key."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from typing import Literal, NamedTuple

import structlog
from aiokafka.errors import KafkaError
from asyncpg import LockNotAvailableError
from relato_contracts.topics import Topic

from relato_runtime import operations, positions, settling
from relato_runtime.database import Connection, Pool
from relato_runtime.decoded import polled
from relato_runtime.later import Later
from relato_runtime.letters import Selection
from relato_runtime.operations import Operation
from relato_runtime.positions import Record
from relato_runtime.refusals import Refused
from relato_runtime.settling import Parked
from relato_runtime.taking import Taking

log = structlog.get_logger(__name__)

AT_ONCE = 200
SECONDS = 15.0
"""Within one request: its lease lasts a minute, and clients wait no longer."""
_BRIEFLY = "SET LOCAL lock_timeout = '5s'"
SUBJECT = "dead-letters"

Outcome = Literal["taken-in", "discarded", "failed", "superseded", "waits", "settled"]
Consumers = Callable[[str], Taking]
"""A consumer of this process by its name; raises ``Refused`` where nothing can be taken in for it now."""


class Done(NamedTuple):
    """What became of one dead letter, and more about it where it is still there."""

    id: str
    outcome: Outcome
    detail: str = ""


class DoneList(NamedTuple):
    """What became of each, how many are left, and behind which to go on with those."""

    items: list[Done]
    left: int
    next_after: str | None


class _NothingKept(Exception):
    """Ends the transaction of a dry run."""


class _Failed(Exception):
    """The consumer could not take it in this time either."""

    def __init__(self, reason: str, error: str) -> None:
        super().__init__(error)
        self.reason = reason


class DeadLetters:
    """What operators do with the dead letters of one service."""

    def __init__(self, pool: Pool, consumers: Consumers) -> None:
        self._pool = pool
        self._consumers = consumers

    async def do(self, operation: Operation, which: Selection, after: int | None = None) -> DoneList:
        """Retry or discard those that are meant, behind one if it is given.

        Each is settled in a transaction with what it does, so that whoever is killed in the middle leaves
        the others as they were, and asking again goes on. Raises ``Refused`` and ``Held``.
        """
        async with operations.alone(self._pool, operation):
            async with self._pool.acquire() as connection:
                chosen, more = await settling.chosen(connection, which, AT_ONCE, after)
                # A rehearsal that goes on supposes that what it has passed was settled by then.
                passed = operation.dry_run and after is not None
                settled = await settling.passed(connection, which, after or 0) if passed else set()
            if after is None:
                _all_parked(chosen, which)
            try:
                done = await self._each(operation, chosen, settled)
            except LockNotAvailableError as error:
                raise Refused("Its consumer is busy with that partition; try again in a moment.") from error
            except (KafkaError, OSError, TimeoutError) as error:
                raise Refused(f"Kafka cannot be asked what followed: {type(error).__name__}.") from error
            if operation.dry_run:
                async with self._pool.acquire() as connection:
                    await operations.record(connection, operation, ", ".join(each.id for each in chosen[:20]))
        left = more + len(chosen) - len(done)
        return DoneList(done, left, done[-1].id if left else None)

    async def _each(self, operation: Operation, chosen: Sequence[Parked], settled: set[int]) -> list[Done]:
        clock = asyncio.get_running_loop().time
        until = clock() + SECONDS
        done: list[Done] = []
        async with AsyncExitStack() as stack:
            readers: dict[str, Later] = {}
            for letter in chosen:
                taking = self._taking(letter, operation)
                if letter.consumer not in readers:
                    keys = {each.record.key for each in chosen if each.record.key is not None}
                    readers[letter.consumer] = Later(taking.settings, stack, keys)
                one = _One(operation, taking, letter, settled)
                result = await one.settled(readers[letter.consumer])
                if result.outcome in {"taken-in", "discarded"}:
                    settled.add(letter.number)
                log.info(operation.action, dead_letter=letter.id, outcome=result.outcome)
                done.append(result)
                if clock() > until:
                    break
        return done

    def _taking(self, letter: Parked, operation: Operation) -> Taking:
        try:
            return self._consumers(letter.consumer)
        except KeyError as error:
            raise Refused(
                f"{letter.id} is of {letter.consumer}, for which nothing is taken in here just now."
            ) from error


class _One(NamedTuple):
    """One dead letter, and what is to be done with it."""

    operation: Operation
    taking: Taking
    letter: Parked
    before: set[int]
    """What this request has settled already, which a dry run has not."""

    async def settled(self, later: Later) -> Done:
        result: list[Done] = []
        with suppress(_NothingKept):
            async with self.taking.pool.acquire() as connection, connection.transaction():
                await connection.execute(_BRIEFLY)
                result.append(await self._decided(connection, later))
                if self.operation.dry_run:
                    raise _NothingKept
        return result[0]

    async def _decided(self, connection: Connection, later: Later) -> Done:
        """With its partition at rest: nothing newer is taken in while the older one is."""
        letter = self.letter
        reached = await positions.lock(connection, letter.consumer, [letter.partition])
        if not await settling.hold(connection, letter):
            return Done(letter.id, "settled", "Somebody was faster.")
        if self.operation.action == "discard":
            await settling.settle(connection, letter, "discarded", *self._who)
            await self.taking.given_up(connection, letter)
            await operations.record(connection, self.operation, letter.id)
            return Done(letter.id, "discarded")
        topic = self.taking.topics.get(letter.record.topic)
        if topic is None:
            now = ", ".join(name for name in self.taking.topics if name.endswith(_last(letter.record.topic)))
            return Done(
                letter.id, "superseded", f"{now or 'Another topic'} is read in its place: discard this one."
            )
        if (first := await settling.ahead(connection, letter, self.before)) is not None:
            return Done(letter.id, "waits", f"{first} comes before it: retry that first, or discard it.")
        behind = []
        if _is_state(topic) or self.taking.repeats:
            followed = await later.than(letter, topic, reached[letter.partition])
            known = await settling.taken_in(connection, letter, [each.offset for each in followed])
            behind = [each for each in followed if each.offset in known]
        if behind and _is_state(topic):
            place = behind[-1].offset
            return Done(letter.id, "superseded", f"Offset {place} says it anew: discard this one.")
        try:
            async with connection.transaction():
                await self._take_in(connection, behind)
        except _Failed as error:
            await settling.failed(connection, letter, error.reason, str(error))
            await operations.record(connection, self.operation, f"{letter.id}: {error.reason}")
            return Done(letter.id, "failed", f"{error.reason}: {error}")
        await settling.settle(connection, letter, "retried", *self._who)
        await operations.record(connection, self.operation, letter.id)
        return Done(letter.id, "taken-in")

    async def _take_in(self, connection: Connection, behind: Sequence[Record]) -> None:
        mine = self.letter.record
        arrived = await polled(self.taking.topics, {self.letter.partition: [mine, *behind]})
        refused = list(arrived.broken)
        if all(each.record is not mine for each in refused):
            refused += await self.taking.apply(connection, arrived.decoded)
        for each in refused:
            if each.record is mine:
                raise _Failed(each.reason, each.error)

    @property
    def _who(self) -> tuple[str, str]:
        return self.operation.who.name, self.operation.reason


def _is_state(topic: Topic) -> bool:
    """Whether each of its records replaces the one before with its key; facts of streams have versions."""
    return topic.compacted or topic.retention_ms >= 0


def _last(topic: str) -> str:
    """A topic's name as contracts have it, whatever stands before it: owner and content."""
    return ".".join(topic.rsplit(".", 2)[-2:])


def _all_parked(chosen: Sequence[Parked], which: Selection) -> None:
    """What is named has to be there, and parked."""
    known = {each.id for each in chosen}
    for letter_id in which.ids or ():
        if letter_id not in known:
            raise Refused(f"There is no dead letter {letter_id}, or not one that is meant.")
    for each in chosen:
        if each.state != "parked":
            raise Refused(f"{each.id} is {each.state} already.")
