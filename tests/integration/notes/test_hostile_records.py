"""Records that were made to stop a consumer stop none, and lose nothing behind them."""

import asyncio
import json
import shutil

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from relato_contracts.topics import TICKETS, dead_letters
from relato_runtime import kafka

from tests.integration.notes.conftest import Service, occurrence
from tests.support import world
from tests.support.topics import read_all
from tests.support.waiting import until


async def _is_known(service: Service, ticket_id: str) -> bool:
    answer = await service.post("carlos", f"/tickets/{ticket_id}/occurrences", occurrence())
    return answer.status_code == 201


def _raw(
    service: Service, key: bytes, value: bytes | None, headers: list[tuple[str, bytes | None]]
) -> kafka.OutgoingRecord:
    return kafka.OutgoingRecord(service.settings.topic_prefix + TICKETS.name, key, value, headers)


async def _keeps_times_of_producers(service: Service, topic: str) -> None:
    """As a topic does that others have made."""
    admin = AIOKafkaAdminClient(**kafka.connection(service.settings))
    await admin.start()
    try:
        changed = {"cleanup.policy": "compact", "message.timestamp.type": "CreateTime"}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, changed)])
    finally:
        await admin.close()


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        (b"x" * (1_048_588 - 150), []),
        (b"x", [("a\0b", b"1")]),
        (b"x", [("h", b"\xff\xfe\0")]),
        (b"x", [(f"h{n}", b"y" * 10_000) for n in range(90)]),
        (b"[" * 100_000, [("ce_specversion", b"1.0"), ("ce_id", b"1"), ("ce_source", b"/x"),
                          ("ce_type", b"itsm.TicketSaved.v1")]),
    ],
    ids=["as large as the broker takes", "NUL in a header's name", "no text in a header",
         "headers beyond measure", "JSON without end"],
)  # fmt: skip
async def test_it_lies_in_the_dead_letters_and_what_follows_is_taken_in(
    service: Service, value: bytes, headers: list[tuple[str, bytes | None]]
) -> None:
    await service.send(
        _raw(service, b"2001", value, headers), world.record(service.settings, world.ticket("2001"))
    )
    await until(lambda: _is_known(service, "2001"), what="the ticket behind it")
    kept = await service.database.fetchrow("SELECT value, headers::text FROM dead_letters")
    assert kept is not None
    assert kept["value"] == value
    assert [name for name, _ in json.loads(kept["headers"])] == [name for name, _ in headers]
    (letter,) = await read_all(service.settings, dead_letters("notes"), count=1)
    assert letter.value == value, "byte for byte on the topic too"


async def test_a_tombstone_from_before_the_calendar_is_refused(service: Service) -> None:
    topic = service.settings.topic_prefix + TICKETS.name
    await _keeps_times_of_producers(service, topic)
    async with kafka.producing(service.settings) as producer:
        await producer.send_and_wait(topic, None, key=b"2001", timestamp_ms=-(10**17))
    await world.publish(service.settings, world.ticket("2001"))
    await until(lambda: _is_known(service, "2001"), what="the ticket behind it")
    assert await service.database.fetchval("SELECT reason FROM dead_letters") == "bad-attribute"


@pytest.mark.skipif(shutil.which("kcat") is None, reason="kcat, which can send such a name, is not installed")
async def test_a_header_whose_name_is_no_text_is_passed_and_recorded(service: Service) -> None:
    process = await asyncio.create_subprocess_exec(
        *("kcat", "-P", "-b", service.settings.kafka_bootstrap, "-k", "2001", "-H", b"\xff=1"),
        *("-t", service.settings.topic_prefix + TICKETS.name),
        stdin=asyncio.subprocess.PIPE,
    )
    await process.communicate(b"x")
    await world.publish(service.settings, world.ticket("2001"))
    await until(lambda: _is_known(service, "2001"), what="the ticket behind it")
    assert await service.database.fetchval("SELECT reason FROM dead_letters") == "unreadable"


async def test_text_of_control_characters_or_grown_by_cleaning_is_invalid(service: Service) -> None:
    for html in ("\u0001" * 60_000, "<b>" * 21_000 + "x", "<a>x" * 16_000):
        for field in ("description_html", "solution_html"):
            answer = await service.post("carlos", "/tickets/1001/occurrences", occurrence(**{field: html}))
            assert answer.status_code == 422, (field, html[:10], answer.text)
            assert answer.json()["errors"][0]["pointer"] == f"/{field}"


async def test_the_largest_note_there_can_be_reaches_kafka(service: Service) -> None:
    largest = '"\\' * 32_000
    answer = await service.post(
        "carlos",
        "/tickets/1001/occurrences",
        occurrence(description_html=largest, solution_html=largest),
    )
    assert answer.status_code == 201, answer.text

    async def relayed() -> bool:
        return bool(await service.database.fetchval("SELECT NOT EXISTS (SELECT FROM outbox)"))

    await until(relayed, what="an empty outbox")
