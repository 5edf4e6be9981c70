"""What the README shows to other teams is what lies in contracts/examples, and it works."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from relato_contracts.envelope import decode
from relato_contracts.itsm import TicketSaved
from relato_contracts.topics import NOTES, TICKETS, TOPICS
from relato_runtime import kafka
from relato_runtime.kafka import OutgoingRecord
from relato_runtime.settings import KafkaSettings

from tests.support.samples import CONTRACTS, accepted
from tests.support.topics import read_all

EXAMPLES = CONTRACTS / "examples"
_SECONDS = 30.0


@pytest.fixture
async def settings(kafka_bootstrap: str) -> KafkaSettings:
    """The topics under their own names, as other teams use them."""
    chosen = KafkaSettings(kafka_bootstrap=kafka_bootstrap)
    await kafka.create_topics(chosen, TOPICS, partitions=3)
    return chosen


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_the_readme_shows_an_example_as_it_is(example: Path) -> None:
    readme = (CONTRACTS.parent / "README.md").read_text()
    assert f"```python\n{example.read_text()}```" in readme


async def test_the_example_publishes_a_ticket(settings: KafkaSettings) -> None:
    async with _running("publish_ticket.py", settings) as process:
        assert await asyncio.wait_for(process.wait(), _SECONDS) == 0
    records = await read_all(settings, TICKETS, count=1)
    facts = [decode(each.key, each.value or b"", each.headers, each.timestamp)[1] for each in records]
    assert [fact.ticket_id for fact in facts if isinstance(fact, TicketSaved)] == ["2001"]


async def test_the_example_says_what_is_recorded(settings: KafkaSettings) -> None:
    sample = next(
        each for each in accepted() if each.name.endswith("OccurrenceRecorded.v1/visible-with-mail")
    )
    async with kafka.producing(settings) as producer:
        await kafka.send(producer, [OutgoingRecord(NOTES.name, sample.key, sample.value, sample.headers)])
    async with _running("consume_occurrences.py", settings) as process:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), _SECONDS)
    assert line.decode().startswith("1001 Carlos Eduardo Lima: Troquei o cabo de rede da sala 204")


@asynccontextmanager
async def _running(example: str, settings: KafkaSettings) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(EXAMPLES / example),
        env={**os.environ, "RELATO_KAFKA_BOOTSTRAP": settings.kafka_bootstrap},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
