"""Creates the topics that do not exist yet: ``python -m relato_runtime.topics``."""

import asyncio
from typing import Annotated

from aiokafka.errors import KafkaError
from pydantic import Field
from relato_contracts.topics import TOPICS

from relato_runtime import kafka, settings
from relato_runtime.settings import KafkaSettings


class TopicSettings(KafkaSettings):
    """How topics are made; those that exist stay as they are."""

    partitions: Annotated[int, Field(ge=1, le=10_000)] = 12
    """Chosen once: a ticket has to stay on its partition."""
    replication: Annotated[int, Field(ge=1, le=100)] | None = None
    """How often each record is kept: unless it is said three times, where there are as many brokers."""


def main() -> None:
    """Create them, and say so."""
    chosen = settings.load(TopicSettings)
    create = kafka.create_topics(chosen, TOPICS, partitions=chosen.partitions, replication=chosen.replication)
    try:
        asyncio.run(create)
    except (KafkaError, OSError, TimeoutError) as error:
        raise SystemExit(f"{chosen.kafka_bootstrap}: {error or type(error).__name__}") from error
    for topic in TOPICS:
        print(chosen.topic_prefix + topic.name)


if __name__ == "__main__":
    main()
