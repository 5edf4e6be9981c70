"""Who reads a topic: consumer groups that have committed a place on it."""

from aiokafka.admin import AIOKafkaAdminClient

from relato_runtime import kafka
from relato_runtime.settings import KafkaSettings


async def readers(settings: KafkaSettings, topic: str) -> list[str] | None:
    """The groups by name; None where there is no such topic."""
    admin = AIOKafkaAdminClient(**kafka.connection(settings))
    try:
        await admin.start()
        described = await admin.describe_topics([topic])
        if described[0]["error_code"]:
            return None
        names = sorted({name for name, *_ in await admin.list_consumer_groups()})
        return [
            name
            for name in names
            if any(each.topic == topic for each in await admin.list_consumer_group_offsets(name))
        ]
    finally:
        await admin.close()
