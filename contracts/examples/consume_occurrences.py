"""Says what is recorded on tickets, from the beginning and then as it happens."""

import asyncio
import os

from aiokafka import AIOKafkaConsumer
from relato_contracts.envelope import decode
from relato_contracts.notes import OccurrenceRecorded
from relato_contracts.topics import NOTES


async def main() -> None:
    bootstrap = os.environ["RELATO_KAFKA_BOOTSTRAP"]
    async with AIOKafkaConsumer(
        NOTES.name, bootstrap_servers=bootstrap, group_id="reports", auto_offset_reset="earliest"
    ) as consumer:
        async for record in consumer:
            _, fact = decode(record.key, record.value, record.headers, record.timestamp)
            if isinstance(fact, OccurrenceRecorded):
                print(f"{fact.ticket_id} {fact.author_name}: {fact.description_text}", flush=True)


asyncio.run(main())
