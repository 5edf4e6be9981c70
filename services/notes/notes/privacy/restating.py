"""What the ITSM's topics still say of somebody who is erased, said once more without it.

These topics are compacted: what is said last takes the place of all that was said of the same key. The ITSM
owns them and has to forget, too; should it say a name again, services take it in without.
"""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import NamedTuple

from relato_contracts.envelope import Envelope, Undecodable, decode, encode
from relato_contracts.erasure import forgotten, untold
from relato_contracts.fields import Fact
from relato_contracts.itsm import PersonSaved, TicketSaved
from relato_contracts.topics import PEOPLE, TICKETS, TOPIC_OF, Topic
from relato_runtime import kafka, tail, trimming
from relato_runtime.kafka import OutgoingRecord
from relato_runtime.positions import Record
from relato_runtime.settings import ServiceSettings
from relato_runtime.trimming import COMPACTING
from uuid6 import uuid7

from notes.operating.adopt import SOURCE

TOPICS = (PEOPLE, TICKETS)
_AT_ONCE = 500
_LOOK_SECONDS = 2.0


class Restating(NamedTuple):
    """How it is said."""

    by: str
    rate: int
    """Facts a second, at most."""
    patience: float
    """For how many seconds the cleaner is waited for."""


async def restate(settings: ServiceSettings, person_id: str, how: Restating) -> list[Topic]:
    """Say it, and wait until nothing else is there: which topics still have more after that.

    Twice, since the cleaner leaves the segment that is written to: the first closes what was there, and the
    second the first. Where there is nothing to say of a person there is nothing to wait for.
    """
    clock, at_once = asyncio.get_running_loop().time, min(_AT_ONCE, how.rate)
    async with AsyncExitStack() as stack:
        trimmer = await stack.enter_async_context(trimming.trimming(settings))
        for topic in TOPICS:
            name = settings.topic_prefix + topic.name
            await stack.enter_async_context(trimmer.configured(name, COMPACTING))
        producer = await stack.enter_async_context(kafka.producing(settings))
        said = await _said(settings, person_id)
        for _ in range(2):
            for start in range(0, len(said.last), at_once):
                some = said.last[start : start + at_once]
                due = clock() + len(some) / how.rate
                await kafka.send(producer, [_outgoing(settings, each, how.by) for each in some])
                await asyncio.sleep(max(0, due - clock()))
        until = clock() + how.patience
        while (said := await _said(settings, person_id)).more:
            if clock() > until:
                return [each for each in TOPICS if settings.topic_prefix + each.name in said.more]
            await asyncio.sleep(_LOOK_SECONDS)
    return []


class _Said(NamedTuple):
    """What is left of the last facts about a person, and which topics say more of them somewhere."""

    last: list[Fact]
    more: set[str]


async def _said(settings: ServiceSettings, person_id: str) -> _Said:
    last: dict[tuple[str, bytes], Fact] = {}
    more: set[str] = set()
    async with tail.reading(settings, *TOPICS) as reader:
        begins = await reader.consumer.beginning_offsets(reader.partitions)
        ends = await reader.consumer.end_offsets(reader.partitions)
        for partition in reader.partitions:
            async for records in reader.records(partition, begins[partition], ends[partition]):
                for record in records:
                    place = record.topic, record.key or b""
                    last.pop(place, None)  # whatever was said before is not what stands there now
                    fact = _fact(record)
                    without = None if fact is None else less(fact, person_id)
                    if without is not None:
                        last[place] = without
                    if without != fact and without is not None:
                        more.add(record.topic)
    return _Said([*last.values()], more)


def less(fact: Fact, person_id: str) -> Fact | None:
    """Pure: what is left of a fact about this person, or about what they asked for; None for any other."""
    match fact:
        case PersonSaved() if fact.person_id == person_id:
            return forgotten(fact)
        case TicketSaved() if fact.requester_id == person_id:
            return untold(fact)
        case _:
            return None


def _fact(record: Record) -> Fact | None:
    if record.value is None:
        return None
    try:
        return decode(record.key, record.value, record.headers, record.timestamp)[1]
    except Undecodable:
        return None


def _outgoing(settings: ServiceSettings, fact: Fact, by: str) -> OutgoingRecord:
    envelope = Envelope(id=str(uuid7()), source=SOURCE, time=datetime.now(UTC), actor=by)
    key, value, headers = encode(fact, envelope)
    return OutgoingRecord(settings.topic_prefix + TOPIC_OF[type(fact)].name, key, value, headers)
