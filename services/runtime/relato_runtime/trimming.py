"""What has to go from topics that keep everything, or the last of everything: for operators' jobs.

A broker deletes whole segments, and never the one that is written to. So a segment is closed by letting the
next append begin another (``segment.ms``), then what lies before an offset is given up (DeleteRecords), or
compacted away. Files go with the broker's next look, and after ``file.delete.delay.ms``.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code
from aiokafka.structs import TopicPartition

from relato_runtime import kafka
from relato_runtime.settings import KafkaSettings

Configuration = Mapping[str, str]
Back = Callable[[], Awaitable[None]]

CLOSING: Configuration = {"segment.ms": "1"}
"""Each append begins a segment."""
COMPACTING: Configuration = {**CLOSING, "min.cleanable.dirty.ratio": "0"}
"""And the cleaner takes what is closed with its next look, however little that is."""
_OF_THE_TOPIC = 1  # DYNAMIC_TOPIC_CONFIG, among the sources of DescribeConfigs
_LOOK_SECONDS = 2.0
_LOOKS = "log.retention.check.interval.ms"
_DELAY = "file.delete.delay.ms"


class Trimmer:
    """The cluster as whoever may change topics sees it."""

    def __init__(self, admin: AIOKafkaAdminClient) -> None:
        self._admin = admin

    @asynccontextmanager
    async def configured(self, topic: str, besides: Configuration) -> AsyncIterator[Back]:
        """While the block lasts, or until what it is given is called, a topic is configured so besides."""
        known = await self._configuration(topic)

        async def back() -> None:
            await self._configure(topic, known)

        await self._configure(topic, known | dict(besides))
        try:
            yield back
        finally:
            await back()

    async def _configuration(self, topic: str) -> dict[str, str]:
        """What was set for this topic alone, but for what a job that was killed here has left behind."""
        every = await self._described(ConfigResourceType.TOPIC, topic)
        return {
            name: value
            for name, (value, source) in every.items()
            if source == _OF_THE_TOPIC and COMPACTING.get(name) != value
        }

    async def _configure(self, topic: str, wanted: Configuration) -> None:
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, dict(wanted))
        for answer in await self._admin.alter_configs([resource]):
            for code, message, *_ in answer.resources:  # type: ignore[attr-defined]  # of its version
                if code:
                    raise for_code(code)(message)

    async def give_up(self, before: Mapping[TopicPartition, int]) -> None:
        """Nothing before these offsets can be read any more."""
        await self._admin.delete_records(
            {partition: RecordsToDelete(before_offset=offset) for partition, offset in before.items()}
        )

    async def read(self, partition: TopicPartition, before: int, ours: str, patience: float) -> set[str]:
        """Wait until nobody has anything to read before an offset: for our own groups without end, which are
        those whose names begin with ``ours``, for others so many seconds. Returns who was not waited for.
        """
        clock = asyncio.get_running_loop().time
        until = clock() + patience
        while late := await self.behind(partition, before):
            if clock() > until and not any(each.startswith(ours) for each in late):
                break
            await asyncio.sleep(_LOOK_SECONDS)
        return late

    async def behind(self, partition: TopicPartition, offset: int) -> set[str]:
        """The groups that still have something to read of a partition before an offset."""
        late = set()
        for name, *_ in await self._admin.list_consumer_groups():
            committed = await self._admin.list_consumer_group_offsets(name)
            if partition in committed and 0 <= committed[partition].offset < offset:
                late.add(name)
        return late

    async def patience(self, *topics: str) -> timedelta | None:
        """For how long a file of any of these may stay that is not needed any more, as brokers are set up.

        None where one of them does not say: whoever asks may need a right of its own for that.
        """
        brokers = [str(each["node_id"]) for each in (await self._admin.describe_cluster())["brokers"]]
        looks = await self._longest(ConfigResourceType.BROKER, brokers, _LOOKS)
        delays = await self._longest(ConfigResourceType.TOPIC, topics, _DELAY)
        return None if looks is None or delays is None else looks + delays

    async def _longest(self, kind: ConfigResourceType, names: Iterable[str], what: str) -> timedelta | None:
        """The longest of what these are configured to; None where one of them does not say."""
        said = [(await self._described(kind, name)).get(what) for name in names]
        known = [int(each[0]) for each in said if each is not None]
        return timedelta(milliseconds=max(known)) if len(known) == len(said) else None

    async def _described(self, kind: ConfigResourceType, name: str) -> dict[str, tuple[str, int]]:
        answers = await self._admin.describe_configs([ConfigResource(kind, name)])
        return {
            entry[0]: (entry[1], entry[3])
            for answer in answers
            for _code, _message, _kind, _name, entries in answer.resources  # type: ignore[attr-defined]
            for entry in entries
        }


@asynccontextmanager
async def trimming(settings: KafkaSettings) -> AsyncIterator[Trimmer]:
    """Reach the cluster."""
    admin = AIOKafkaAdminClient(**kafka.connection(settings))
    try:
        await admin.start()
        yield Trimmer(admin)
    finally:
        await admin.close()
