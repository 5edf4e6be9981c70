"""The topic of the log without what was erased: published anew, partition by partition, and cut off before.

Whoever reads from the topic's new beginning finds each ticket from version 1 on. So while a partition is
rewritten the relay leaves its tickets' events where they are, each until all that it had is published again.
Offsets stay valid; who has read what is cut off drops what comes again by its version.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from datetime import datetime
from functools import partial

from aiokafka.partitioner import DefaultPartitioner
from aiokafka.structs import TopicPartition
from relato_contracts.topics import CONSUMERS, NOTES, NOTIFICATIONS, PEOPLE, TICKETS, dead_letters
from relato_runtime import jobs, tail, trimming
from relato_runtime.database import Connection
from relato_runtime.jobs import Finding, Job
from relato_runtime.settings import ServiceSettings
from relato_runtime.tail import Reader
from relato_runtime.trimming import CLOSING, Trimmer
from relato_runtime.walking import stretch

from notes.operating import accepted, restored
from notes.privacy import withheld

_CUT_OFF = (NOTES, NOTIFICATIONS, PEOPLE, TICKETS, *(dead_letters(each) for each in CONSUMERS))
"""All that is cut off or compacted away when something is erased, by whichever service."""
_AT_ONCE = 2_000
_TICKETS_AT_ONCE = 500
_LOOK_SECONDS = 0.2
_RELAY_SECONDS = 30.0


async def rewrite(
    settings: ServiceSettings, connection: Connection, job: Job, tickets: Collection[str]
) -> Job:
    """Rewrite the partitions of these tickets, or go on with those that ``job.reached`` still names."""
    topic = settings.topic_prefix + NOTES.name
    async with tail.reading(settings, NOTES) as reader, trimming.trimming(settings) as trimmer:
        if "partitions" not in job.reached:
            named = {_placed(reader, ticket_id) for ticket_id in tickets}
            every = await withheld.every(connection) if named else []
            # Beside the loop, which has commands to see to: there may be many tickets.
            events = await asyncio.to_thread(_events, reader, every, named)
            stays = await trimmer.patience(*(settings.topic_prefix + each.name for each in _CUT_OFF))
            reached = {
                "partitions": sorted(named),
                "files_seconds": None if stays is None else stays.total_seconds(),
            }
            async with connection.transaction():
                job = await jobs.step(connection, job, job.reached | reached, total=job.done + events)
        while partitions := job.reached["partitions"]:
            here = _Partition(settings, connection, reader, trimmer, TopicPartition(topic, partitions[0]))
            job = await here.rewrite(job)
    return job


def _placed(reader: Reader, ticket_id: str) -> int:
    every = sorted(each.partition for each in reader.partitions)
    number: int = DefaultPartitioner()(ticket_id.encode(), every, every)
    return number


def _events(reader: Reader, every: Iterable[tuple[str, int]], partitions: Collection[int]) -> int:
    """How many events the tickets of these partitions have, all of which are published anew."""
    return sum(number for ticket_id, number in every if _placed(reader, ticket_id) in partitions)


class _Partition:
    """One partition, on its way from what it was to what it is without."""

    def __init__(
        self,
        settings: ServiceSettings,
        connection: Connection,
        reader: Reader,
        trimmer: Trimmer,
        partition: TopicPartition,
    ) -> None:
        self._settings = settings
        self._connection = connection
        self._reader = reader
        self._trimmer = trimmer
        self._partition = partition

    async def rewrite(self, job: Job) -> Job:
        """Hold its tickets back, publish each anew, wait for those who read, cut off; and forget it."""
        async with self._trimmer.configured(self._partition.topic, CLOSING) as closed:
            if "before" not in job.reached:
                job = await self._hold(job)
            job = await self._publish(job, closed)
        job = await self._read(job)
        await self._trimmer.give_up({self._partition: job.reached["before"]})
        reached = {name: value for name, value in job.reached.items() if name != "before"}
        async with self._connection.transaction():
            await accepted.cut_off(self._connection, *self._partition, job.reached["before"])
            rest = {"partitions": job.reached["partitions"][1:]}
            return await jobs.step(self._connection, job, reached | rest)

    async def _hold(self, job: Job) -> Job:
        """Find out where the partition ends while nothing is published; then all but its tickets go on.

        Whoever may not change the topic is told so before anything waits for it.
        """
        begins = await self._reader.consumer.beginning_offsets([self._partition])
        await self._trimmer.give_up(begins)
        try:
            await withheld.pause(self._connection)
            async with asyncio.timeout(_RELAY_SECONDS):
                await self._relayed()
                ends = await self._reader.consumer.end_offsets([self._partition])
            tickets = await self._tickets()
            async with self._connection.transaction():
                await withheld.go_on(self._connection, tickets)
                reached = job.reached | {"before": ends[self._partition]}
                return await jobs.step(self._connection, job, reached)
        except BaseException:
            await withheld.go_on(self._connection)
            raise

    async def _publish(self, job: Job, closed: Callable[[], Awaitable[None]]) -> Job:
        """Anew, ticket by ticket, at the rate that was asked for; the first append closes the old segment.

        That is the first of the partition at all since its end was found, whoever's it is.
        """
        rate, replay_id = int(job.wish["rate"]), str(job.wish["correlation_id"])
        clock = asyncio.get_running_loop().time
        while following := await withheld.following(self._connection, _TICKETS_AT_ONCE):
            tickets, events = stretch(following, min(_AT_ONCE, rate))
            due = clock() + events / rate
            async with self._connection.transaction():
                await withheld.publish_again(self._connection, tickets, replay_id)
                job = await jobs.step(self._connection, job, job.reached, done=events)
            await _once(lambda: withheld.published(self._connection, replay_id))
            await closed()
            await asyncio.sleep(max(0, due - clock()))
        return job

    async def _read(self, job: Job) -> Job:
        """Until nobody has anything to read before the cut that has to; who was not waited for is named."""
        ours = f"{self._settings.topic_prefix}relato."
        patience = int(job.wish["patience"])
        late = await self._trimmer.read(self._partition, job.reached["before"], ours, patience)
        found = [
            Finding("not-read", None, None, *self._partition, detail={"group": group})
            for group in sorted(late)
        ]
        async with self._connection.transaction():
            return await jobs.step(self._connection, job, job.reached, findings=found)

    async def _tickets(self) -> list[str]:
        return [
            ticket_id
            for ticket_id in await restored.tickets(self._connection)
            if _placed(self._reader, ticket_id) == self._partition.partition
        ]

    async def _relayed(self) -> None:
        """Until whatever the relay had read before is acknowledged: it says twice that it lasts."""
        for _ in range(2):
            await _once(partial(self._renewed_since, await withheld.renewed(self._connection)))

    async def _renewed_since(self, before: tuple[int, datetime]) -> bool:
        return await withheld.renewed(self._connection) != before


async def _once(so: Callable[[], Awaitable[bool]]) -> None:
    """Wait for another process to do its part: its rows are all that there is to see of it."""
    while not await so():  # noqa: ASYNC110  # it happens in the database
        await asyncio.sleep(_LOOK_SECONDS)
