"""Topics of our own read by a job from start to end, in steps that are written down with what they came to.

Once what was read has been compared, what came since is read as well: there is what was only on its way.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
from aiokafka.structs import TopicPartition
from relato_contracts.topics import Topic

from relato_runtime import jobs, tail
from relato_runtime.database import Connection
from relato_runtime.jobs import Finding, Job
from relato_runtime.positions import Record
from relato_runtime.settings import ServiceSettings
from relato_runtime.tail import Reader

_AT_ONCE = 5_000

Take = Callable[[Connection, Sequence[Record]], Awaitable[Sequence[Finding]]]
"""Keeps what records say, inside the step's transaction, and says what is wrong with them."""


@dataclass(frozen=True, slots=True)
class Walk:
    """A connection of the job's own, and the topics."""

    connection: Connection
    reader: Reader

    async def begin(self, job: Job, first: str, more: int) -> Job:
        """Note how far the topics go, inside the caller's transaction; ``more`` is to be done beside it."""
        begins = await self.reader.consumer.beginning_offsets(self.reader.partitions)
        ends = await self.ends()
        records = sum(ends.values()) - sum(begins.values())
        reached = {"phase": first, "offsets": _by_place(begins), "ends": ends}
        return await jobs.step(self.connection, job, reached, total=records + more)

    async def ends(self) -> dict[str, int]:
        """Where the partitions end now."""
        return _by_place(await self.reader.consumer.end_offsets(self.reader.partitions))

    async def read(self, job: Job, take: Take) -> Job:
        """Read on to the ends that were noted."""
        for partition in self.reader.partitions:
            place = place_of(partition.topic, partition.partition)
            begin, end = (int(job.reached[each].get(place, 0)) for each in ("offsets", "ends"))
            async for records in self.reader.records(partition, begin, end, _AT_ONCE):
                if records:
                    offsets = job.reached["offsets"] | {place: records[-1].offset + 1}
                    # Of a compacted topic fewer records are left than it has had.
                    passed = offsets[place] - int(job.reached["offsets"].get(place, 0))
                    async with self.connection.transaction():
                        findings = await take(self.connection, records)
                        job = await jobs.step(
                            self.connection,
                            job,
                            job.reached | {"offsets": offsets},
                            done=passed,
                            findings=findings,
                        )
        return job


@asynccontextmanager
async def walking(settings: ServiceSettings, *topics: Topic) -> AsyncIterator[Walk]:
    """Open both. The connection is not of the pool, whose connections plan for looking up by key."""
    connection = await asyncpg.connect(
        settings.database_url.get_secret_value(), timeout=5, command_timeout=60
    )
    try:
        async with tail.reading(settings, *topics) as reader:
            yield Walk(connection, reader)
    finally:
        await connection.close(timeout=2)


def stretch(streams: Sequence[tuple[str, int]], limit: int) -> tuple[list[str], int]:
    """The first of these tickets, as many as it takes to have so many events, and how many those are."""
    tickets, events = [], 0
    for ticket_id, number in streams:
        tickets.append(ticket_id)
        events += number
        if events >= limit:
            break
    return tickets, events


def place_of(topic: str, partition: int) -> str:
    """By what a job's row names a partition."""
    return f"{topic} {partition}"


def _by_place(offsets: Mapping[TopicPartition, int]) -> dict[str, int]:
    return {place_of(each.topic, each.partition): offset for each, offset in offsets.items()}
