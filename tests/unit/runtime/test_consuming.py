"""What comes while a consumer's transaction is under way."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import cast

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition
from relato_contracts.topics import NOTES
from relato_runtime.consume import Consumer
from relato_runtime.database import Pool
from relato_runtime.decoded import Decoded, unreadable
from relato_runtime.positions import DeadLetter, Record
from relato_runtime.readiness import Readiness
from relato_runtime.settings import ServiceSettings

PARTITION = TopicPartition(NOTES.name, 0)


class Client:
    """Asks its broker for one more record whenever it has handed out what it had, as aiokafka does."""

    def __init__(self, records: int) -> None:
        self._records = [unreadable(PARTITION, offset) for offset in range(records)]
        self.all_handed_out: asyncio.Future[dict[TopicPartition, int]] = asyncio.Future()
        """Done when there are no more."""

    async def getmany(
        self, *, timeout_ms: int, max_records: int
    ) -> Mapping[TopicPartition, Sequence[Record]]:
        assert timeout_ms == 0, "the transaction's end would wait for more records"
        assert max_records > 0
        if not self._records:
            self.all_handed_out.set_result({})
            return {}
        return {PARTITION: [self._records.pop(0)]}


async def nothing(_connection: object, _decoded: Sequence[Decoded]) -> Sequence[DeadLetter]:
    return ()


async def test_all_that_comes_meanwhile_shares_the_next_transaction() -> None:
    settings = ServiceSettings.model_construct(topic_prefix="", kafka_bootstrap="")
    consumer = Consumer(
        settings,
        cast(Pool, None),
        name="test",
        service="test",
        topics=[NOTES],
        apply=nothing,
        readiness=Readiness(),
        part="test",
        max_records=7,
    )
    client = Client(10)
    handed_out: dict[TopicPartition, int] = {}
    full = await consumer._meanwhile(cast(AIOKafkaConsumer, client), handed_out, client.all_handed_out)
    assert [each.offset for each in full.records[PARTITION]] == list(range(7))
    rest = await consumer._meanwhile(cast(AIOKafkaConsumer, client), handed_out, client.all_handed_out)
    assert [each.offset for each in rest.records[PARTITION]] == [7, 8, 9]
    assert handed_out == {PARTITION: 10}
