"""Outcomes of mails told once more without whom they went to, and the topic cut off before that.

Partitions that say nothing of whom was erased stay as they are. An outcome has no version: it is known by its
id, so that whoever has it takes in what it says now, and its place among others does not matter.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from aiokafka.structs import TopicPartition
from relato_contracts.topics import NOTIFICATIONS
from relato_runtime import jobs, kafka, published, remains, tail, trimming
from relato_runtime.database import Connection
from relato_runtime.jobs import Finding, Job
from relato_runtime.kafka import OutgoingRecord
from relato_runtime.positions import Record
from relato_runtime.published import Acknowledged
from relato_runtime.settings import ServiceSettings
from relato_runtime.tail import Reader
from relato_runtime.trimming import CLOSING, Trimmer

from notifier import unaddressed
from notifier.unaddressed import Known

_AT_ONCE = 500
_RATE = 2_000
"""Outcomes a second, at most; at what rate somebody is erased the fact of it does not say."""
_PATIENCE_SECONDS = 600.0


async def retell(settings: ServiceSettings, connection: Connection, job: Job) -> Job:
    """Rewrite what partitions say of people who were erased, or go on with those that are left."""
    async with tail.reading(settings, NOTIFICATIONS) as reader, trimming.trimming(settings) as trimmer:
        topic = _Topic(settings, connection, reader, trimmer)
        if "partitions" not in job.reached:
            every = sorted(each.partition for each in reader.partitions)
            job = await _step(connection, job, {"partitions": every})
        while partitions := job.reached["partitions"]:
            late = await topic.rewrite(partitions[0])
            found = [
                Finding("not-read", topic=topic.name, partition=partitions[0], detail={"group": each})
                for each in late
            ]
            job = await _step(connection, job, {"partitions": partitions[1:]}, found)
    async with connection.transaction():
        await remains.gone(connection, str(job.wish["person_id"]), NOTIFICATIONS.name)
    return job


def without(record: Record, known: Known) -> bytes:
    """Pure: what an outcome says when whom it went to, or who decided about it, is not to be known."""
    value = record.value or b""
    outcome = json.loads(value)
    left = unaddressed.without(outcome, known)
    if left == outcome:
        return value
    return json.dumps(left, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class _Topic:
    """The topic, and what its partitions are rewritten with."""

    settings: ServiceSettings
    connection: Connection
    reader: Reader
    trimmer: Trimmer

    @property
    def name(self) -> str:
        """As the broker knows it."""
        return self.settings.topic_prefix + NOTIFICATIONS.name

    async def rewrite(self, number: int) -> list[str]:
        """Tell a partition's outcomes once more and cut off what was there: which groups had not read it."""
        partition = TopicPartition(self.name, number)
        if not await self._names_anybody(partition):
            return []
        clock = asyncio.get_running_loop().time
        async with self.trimmer.configured(self.name, CLOSING) as closed:
            # Only now: whatever is appended from here on does not lie in the segment that is to go.
            end = await self._end(partition)
            async with kafka.producing(self.settings) as producer:
                acknowledged = Acknowledged()
                async for records, known in self._said(partition, end):
                    due = clock() + len(records) / _RATE
                    placed = await kafka.send(producer, [_again(each, known) for each in records])
                    await published.advance(self.connection, acknowledged.take(placed))
                    await closed()
                    await asyncio.sleep(max(0, due - clock()))
        ours = f"{self.settings.topic_prefix}relato."
        late = await self.trimmer.read(partition, end, ours, _PATIENCE_SECONDS)
        await self.trimmer.give_up({partition: end})
        return sorted(late)

    async def _names_anybody(self, partition: TopicPartition) -> bool:
        async for records, known in self._said(partition, await self._end(partition)):
            if any(without(each, known) != each.value for each in records if each.value):
                return True
        return False

    async def _said(self, partition: TopicPartition, end: int) -> AsyncIterator[tuple[list[Record], Known]]:
        begin = (await self.reader.consumer.beginning_offsets([partition]))[partition]
        async for records in self.reader.records(partition, begin, end, _AT_ONCE):
            yield records, await unaddressed.known(self.connection, [each.value or b"" for each in records])

    async def _end(self, partition: TopicPartition) -> int:
        end: int = (await self.reader.consumer.end_offsets([partition]))[partition]
        return end


def _again(record: Record, known: Known) -> OutgoingRecord:
    headers = [(name, raw) for name, raw in record.headers if name != "ce_replayid"]
    return OutgoingRecord(
        record.topic, record.key, without(record, known), [*headers, ("ce_replayid", b"erased")]
    )


async def _step(
    connection: Connection, job: Job, more: dict[str, object], findings: Sequence[Finding] = ()
) -> Job:
    async with connection.transaction():
        return await jobs.step(connection, job, job.reached | more, findings=findings)
