"""What a consumer group gives to one member, and the pause before it may read."""

import asyncio

from aiokafka import AIOKafkaConsumer
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.structs import TopicPartition


class Assignment(ConsumerRebalanceListener):
    """What the group gave this member; partitions wait, paused, until their positions are known."""

    def __init__(self) -> None:
        self.fresh: set[TopicPartition] = set()
        self.known = False
        self.working = asyncio.Lock()
        self._consumer: AIOKafkaConsumer | None = None

    def follow(self, consumer: AIOKafkaConsumer) -> None:
        """Begin with what was assigned before there was a consumer to pause."""
        self._consumer = consumer
        self._hold(consumer, consumer.assignment())

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        async with self.working:  # what is being written is finished before another member begins
            self.fresh.difference_update(revoked)

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        # A coroutine although it awaits nothing: FastStream calls functions in a thread, where
        # pausing fails half way and leaves the client's fetcher to die.
        self.known = True
        if self._consumer is not None:
            self._hold(self._consumer, assigned)

    def _hold(self, consumer: AIOKafkaConsumer, partitions: set[TopicPartition]) -> None:
        if partitions:
            consumer.pause(*partitions)
        self.fresh = set(partitions)
