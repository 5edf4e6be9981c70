"""How a topic went on about the same key: no state comes back that was followed, no fact comes alone."""

from collections.abc import Collection
from contextlib import AsyncExitStack

from aiokafka.structs import TopicPartition
from relato_contracts.topics import Topic

from relato_runtime import tail
from relato_runtime.positions import Record
from relato_runtime.settings import KafkaSettings
from relato_runtime.settling import Parked
from relato_runtime.tail import Reader


class Later:
    """Looks through partitions, each once and from the first record that is asked about.

    To be asked in the order of offsets; only ``keys`` are remembered.
    """

    def __init__(self, settings: KafkaSettings, stack: AsyncExitStack, keys: Collection[bytes]) -> None:
        self._settings = settings
        self._stack = stack
        self._keys = keys
        self._readers: dict[str, Reader] = {}
        self._reached: dict[TopicPartition, int] = {}
        self._found: dict[tuple[TopicPartition, bytes], list[Record]] = {}

    async def than(self, letter: Parked, topic: Topic, end: int) -> list[Record]:
        """The other records of its key between a record and an end."""
        partition, key = letter.partition, letter.record.key
        if key is None:
            return []
        begin = self._reached.get(partition, letter.record.offset + 1)
        if begin < end:
            reader = await self._reader(topic)
            async for batch in reader.records(partition, begin, end):
                for record in batch:
                    if record.key is not None and record.key in self._keys:
                        self._found.setdefault((partition, record.key), []).append(record)
            self._reached[partition] = end
        found = self._found.get((partition, key), ())
        return [each for each in found if each.offset > letter.record.offset]

    async def _reader(self, topic: Topic) -> Reader:
        if topic.name not in self._readers:
            opened = await self._stack.enter_async_context(tail.reading(self._settings, topic))
            self._readers[topic.name] = opened
        return self._readers[topic.name]
