"""Records into plans: reference data first, then events, all with the consumer's position."""

import asyncio
from collections.abc import Callable, Sequence

from prometheus_client import Gauge
from relato_contracts.envelope import Undecodable
from relato_contracts.fields import Fact
from relato_contracts.notes import NoteEvent, TextErased
from relato_contracts.people import PersonErased
from relato_contracts.topics import ERASURES, NOTES
from relato_runtime import erased, leftovers
from relato_runtime.database import Connection, Pool
from relato_runtime.decoded import Decoded
from relato_runtime.positions import DeadLetter
from relato_runtime.readiness import Readiness

from notifier import erasing, named, reference, waiting
from notifier import event as events
from notifier.event import Event
from notifier.planner import Planner

WAITING = Gauge("relato_mails_waiting", "Events whose mail waits for reference data")

TOPICS = (NOTES, ERASURES, *reference.TOPICS)
_LOOK_SECONDS = 0.5
_BATCH = 200


class Intake:
    """What the consumer does with each batch."""

    def __init__(self, planner: Planner, topic_prefix: str) -> None:
        self._planner = planner
        self._prefix = topic_prefix

    async def apply(self, connection: Connection, decoded: Sequence[Decoded]) -> Sequence[DeadLetter]:
        """Take in a batch; refused is an event of ours that lacks what ours have.

        Of replayed events nobody is told; what they are about may be new here, and is told of later.
        """
        for _, _, each in decoded:
            if isinstance(each, PersonErased):
                await named.keep(connection, each.person_id)
                await erasing.forget(connection, each)
        instead = await erased.taken_in(connection, (fact for _, _, fact in decoded))
        facts: dict[tuple[str, str], Fact | None] = {}
        told: list[Event] = []
        again: list[Event] = []
        refused: list[DeadLetter] = []
        for record, envelope, fact in decoded:
            if isinstance(fact, PersonErased):
                continue
            if not isinstance(fact, NoteEvent):
                topic = record.topic.removeprefix(self._prefix)
                facts[topic, (record.key or b"").decode()] = fact and instead.get(fact, fact)
            else:
                try:
                    event = events.read(envelope, fact)
                    (told if envelope.replay_id is None else again).append(event)
                except Undecodable as error:
                    refused.append(DeadLetter(record, error.reason, str(error)))
        if facts:
            await waiting.wake(connection, await reference.save(connection, facts))
        silenced = [each.fact for each in (*again, *told) if isinstance(each.fact, TextErased)]
        if silenced:
            # First what is here, then what comes with it: that is not told to anybody any more.
            await erasing.silence(connection, silenced)
            await leftovers.note(connection)
            told, untold = erasing.without(told, silenced)
            known, unknown = erasing.without(again, silenced)
            again = sorted((*known, *unknown, *untold), key=lambda each: (each.fact.ticket_id, each.version))
        if again:
            await self._planner.follow(connection, again)
        if told:
            await self._planner.plan(connection, told)
        return refused


async def look_again(
    pool: Pool, planner: Planner, readiness: Readiness, part: str, on_commit: Callable[[], None]
) -> None:
    """Plan the mails of events that waited, once what they need is there or they have waited long enough."""
    readiness.has(part)
    while True:
        async with pool.acquire() as connection, connection.transaction():
            due, over = await waiting.due(connection, _BATCH)
            if due:
                still = await planner.plan(connection, due, give_up=over)
                await waiting.forget(connection, {event.id for event in due} - still)
        if due:
            on_commit()
        if len(due) < _BATCH:
            WAITING.set(await waiting.number(pool))
            await asyncio.sleep(_LOOK_SECONDS)
