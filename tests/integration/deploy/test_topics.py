"""`python -m relato_runtime.topics` makes an installation's topics, and leaves those alone that exist."""

import asyncio
import os
import sys
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from relato_contracts.topics import TOPICS

_SECONDS = 60.0


@pytest.fixture
def prefix() -> str:
    return f"{uuid4().hex}."


async def test_all_topics_are_made_as_the_contracts_say(kafka_bootstrap: str, prefix: str) -> None:
    printed = await _run(kafka_bootstrap, prefix, partitions=5)
    assert printed.split() == [prefix + topic.name for topic in TOPICS]
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    try:
        assert await _partitions(admin, prefix) == dict.fromkeys(printed.split(), 5)
        for topic in TOPICS:
            resource = ConfigResource(ConfigResourceType.TOPIC, prefix + topic.name)
            [answer] = await admin.describe_configs([resource])
            entries = answer.resources[0][4]  # type: ignore[attr-defined]  # of the answer's version
            values = {entry[0]: entry[1] for entry in entries}
            assert values["cleanup.policy"] == ("compact" if topic.compacted else "delete")
            if not topic.compacted:
                assert values["retention.ms"] == str(topic.retention_ms)
    finally:
        await admin.close()


async def test_topics_that_exist_stay_as_they_are(kafka_bootstrap: str, prefix: str) -> None:
    await _run(kafka_bootstrap, prefix, partitions=2)
    await _run(kafka_bootstrap, prefix, partitions=7)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    try:
        assert set((await _partitions(admin, prefix)).values()) == {2}
    finally:
        await admin.close()


async def test_more_copies_than_brokers_are_refused(kafka_bootstrap: str, prefix: str) -> None:
    process = await _start(kafka_bootstrap, prefix, partitions=1, RELATO_REPLICATION="3")
    _, errors = await asyncio.wait_for(process.communicate(), _SECONDS)
    assert process.returncode == 1
    assert "InvalidReplicationFactor" in errors.decode()
    assert "Traceback" not in errors.decode()


async def test_without_a_broker_it_says_so_and_fails(prefix: str) -> None:
    process = await _start("127.0.0.1:1", prefix, partitions=1)
    _, errors = await asyncio.wait_for(process.communicate(), _SECONDS)
    assert process.returncode == 1
    assert errors.decode().splitlines()[-1].startswith("127.0.0.1:1: ")
    assert "Traceback" not in errors.decode()


async def _run(bootstrap: str, prefix: str, *, partitions: int) -> str:
    process = await _start(bootstrap, prefix, partitions=partitions)
    printed, errors = await asyncio.wait_for(process.communicate(), _SECONDS)
    assert process.returncode == 0, errors.decode()
    return printed.decode()


async def _start(
    bootstrap: str, prefix: str, *, partitions: int, **settings: str
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "relato_runtime.topics"),
        env={
            **os.environ,
            "RELATO_KAFKA_BOOTSTRAP": bootstrap,
            "RELATO_TOPIC_PREFIX": prefix,
            "RELATO_PARTITIONS": str(partitions),
            **settings,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def _partitions(admin: AIOKafkaAdminClient, prefix: str) -> dict[str, int]:
    described = await admin.describe_topics([prefix + topic.name for topic in TOPICS])
    return {topic["topic"]: len(topic["partitions"]) for topic in described}
