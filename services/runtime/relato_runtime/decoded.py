"""What records of a poll say, or why they say nothing."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from aiokafka.structs import ConsumerRecord, TopicPartition
from relato_contracts.envelope import Envelope, Undecodable, decode, recorded_at
from relato_contracts.fields import Fact
from relato_contracts.topics import Topic

from relato_runtime.positions import DeadLetter, Record

_AT_A_STRETCH = 100  # records decoded: one or two milliseconds
_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")

Decoded = tuple[Record, Envelope, Fact | None]
"""A record with what it says; no fact is a tombstone of a compacted topic."""


class Polled(NamedTuple):
    """What one poll brought, and what it says."""

    records: Mapping[TopicPartition, Sequence[Record]]
    decoded: Sequence[Decoded]
    broken: Sequence[DeadLetter]

    @property
    def size(self) -> int:
        """How many records that is."""
        return len(self.decoded) + len(self.broken)

    def then(self, later: "Polled") -> "Polled":
        """This and what the next poll brought."""
        records = dict(self.records)
        for partition, batch in later.records.items():
            records[partition] = [*records.get(partition, ()), *batch]
        return Polled(records, [*self.decoded, *later.decoded], [*self.broken, *later.broken])


async def polled(topics: Mapping[str, Topic], batches: Mapping[TopicPartition, Sequence[Record]]) -> Polled:
    """What a poll brought, by partition, with what it says; ``topics`` by their names on this cluster."""
    decoded: list[Decoded] = []
    broken: list[DeadLetter] = []
    for number, record in enumerate(chain.from_iterable(batches.values()), 1):
        try:
            decoded.append(read(topics[record.topic], record))
        except Undecodable as error:
            broken.append(DeadLetter(record, error.reason, str(error)))
        if number % _AT_A_STRETCH == 0:
            await asyncio.sleep(0)  # the transaction under way goes on
    return Polled(batches, decoded, broken)


def read(topic: Topic, record: Record) -> Decoded:
    """What a record of a topic says; ``Undecodable`` for what does not belong there."""
    if record.checksum == _UNREADABLE:
        raise Undecodable("unreadable", "a header's name is not UTF-8, so nothing of it can be read")
    if record.value is None:
        if not topic.compacted or record.key is None:
            raise Undecodable("invalid-data", "a record without value")
        if not _ID.fullmatch(record.key):
            raise Undecodable("invalid-data", "a tombstone whose key is no id")
        return record, Envelope(id="", source="", time=recorded_at(record.timestamp)), None
    envelope, fact = decode(record.key, record.value, record.headers, record.timestamp)
    if type(fact) not in topic.facts:
        raise Undecodable("unknown-type", f"{type(fact).__name__} does not belong on {topic.name}")
    return record, envelope, fact


_UNREADABLE = -1
"""Where a record's checksum stands: what stands in for one that the client cannot read."""


def unreadable(partition: TopicPartition, offset: int) -> Record:
    """What stands in for such a record."""
    return ConsumerRecord(
        *(partition.topic, partition.partition, offset, 0, 0, None, None, _UNREADABLE, -1, -1, ())
    )
