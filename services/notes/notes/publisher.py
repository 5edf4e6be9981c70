"""One record at a time to Kafka, for the few that do not go through the event log."""

import asyncio
from contextlib import AsyncExitStack

from aiokafka import AIOKafkaProducer
from relato_runtime import kafka
from relato_runtime.settings import ServiceSettings


class Publisher:
    """Opens its producer with the first record, and throws it away after any error."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        self._stack = AsyncExitStack()
        self._producer: AIOKafkaProducer | None = None
        self._opening = asyncio.Lock()

    async def publish(self, record: kafka.OutgoingRecord) -> None:
        """Return once the broker has acknowledged the record; a Kafka error otherwise."""
        async with self._opening:
            if self._producer is None:
                self._producer = await self._stack.enter_async_context(kafka.producing(self._settings))
        producer = self._producer
        try:
            await kafka.send(producer, [record])
        except BaseException:
            if self._producer is producer:
                self._producer = None
                stack, self._stack = self._stack, AsyncExitStack()
                await stack.aclose()
            raise

    async def close(self) -> None:
        """Close the producer, if there is one."""
        await self._stack.aclose()
