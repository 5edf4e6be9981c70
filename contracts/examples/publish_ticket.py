"""Publishes a ticket, as any ITSM would."""

import asyncio
import os
from datetime import UTC, datetime
from uuid import uuid4

from aiokafka import AIOKafkaProducer
from relato_contracts.envelope import Envelope, encode
from relato_contracts.itsm import TicketSaved
from relato_contracts.topics import TICKETS


async def main() -> None:
    now = datetime.now(UTC)
    ticket = TicketSaved(
        ticket_id="2001",
        title="Sem rede",
        status="open",
        requester_id="ana",
        group_id="service-desk",
        opened_at=now,
    )
    key, value, headers = encode(ticket, Envelope(id=str(uuid4()), source="urn:itsm:core", time=now))
    async with AIOKafkaProducer(bootstrap_servers=os.environ["RELATO_KAFKA_BOOTSTRAP"]) as producer:
        await producer.send_and_wait(TICKETS.name, value, key, headers=headers)


asyncio.run(main())
