"""Records are understood by programs that Relato did not write, and theirs by Relato."""

import asyncio
import json
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from cloudevents.core.bindings import kafka as cloudevents_kafka
from cloudevents.core.bindings.kafka import KafkaMessage
from cloudevents.core.v1.event import CloudEvent
from relato_contracts.envelope import Undecodable, decode
from relato_contracts.topics import NOTES, PEOPLE, TICKETS, TOPICS, Topic
from relato_runtime import kafka
from relato_runtime.kafka import OutgoingRecord
from relato_runtime.settings import KafkaSettings

from tests.support.samples import Sample, accepted, refused
from tests.support.topics import read_all

_SECONDS = 30.0


async def test_the_cloudevents_package_reads_our_records_from_the_broker(settings: KafkaSettings) -> None:
    for topic in TOPICS:
        samples = [sample for sample in accepted() if sample.topic == topic.name and sample.ours]
        if not samples:
            continue
        await _publish(settings, samples)
        records = await read_all(settings, topic, count=len(samples))
        assert len(records) == len(samples)
        for record in records:
            envelope, _ = decode(record.key, record.value or b"", record.headers)
            headers = {name: value for name, value in record.headers if value is not None}
            event = cloudevents_kafka.from_binary_event(
                KafkaMessage(headers, record.key, record.value or b"")
            )
            assert event.get_id() == envelope.id
            assert event.get_type() == headers["ce_type"].decode()
            assert event.get_source() == envelope.source
            assert event.get_subject() == envelope.subject
            assert event.get_time() == envelope.time
            assert event.get_datacontenttype() == "application/json"
            assert event.get_data() == json.loads(record.value or b"")
            assert event.get_extension("partitionkey") == (record.key or b"").decode()
            version = event.get_extension("streamversion")
            assert version == (envelope.stream_version and str(envelope.stream_version))


async def test_we_read_what_the_cloudevents_package_writes(settings: KafkaSettings) -> None:
    person = {
        "person_id": "bia",
        "name": "Beatriz Nogueira Alves",
        "email": "beatriz.alves@prefeitura.example",
        "language": "pt-BR",
        "time_zone": "America/Bahia",
        "active": True,
    }
    moment = datetime(2026, 3, 2, 13, 5, 11, tzinfo=UTC)
    event = CloudEvent(
        {
            "id": "rh-88214",
            "type": "itsm.PersonSaved.v1",
            "source": "https://rh.example/pessoas",
            "time": moment,
            "datacontenttype": "application/json",
            "partitionkey": "bia",
        },
        person,
    )
    message = cloudevents_kafka.to_binary_event(event)
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap) as producer:
        await producer.send_and_wait(
            settings.topic_prefix + PEOPLE.name,
            message.value,
            str(message.key).encode(),
            headers=list(message.headers.items()),
        )
    [record] = await read_all(settings, PEOPLE, count=1)
    envelope, fact = decode(record.key, record.value or b"", record.headers, record.timestamp)
    assert fact.model_dump() == person
    assert (envelope.id, envelope.source, envelope.time) == ("rh-88214", "https://rh.example/pessoas", moment)


async def test_a_structured_record_of_the_cloudevents_package_is_refused_and_not_misread(
    settings: KafkaSettings,
) -> None:
    event = CloudEvent(
        {"id": "1", "type": "itsm.TicketSaved.v1", "source": "urn:itsm:core"}, {"ticket_id": "1"}
    )
    message = cloudevents_kafka.to_structured_event(event)
    await _send(settings, TICKETS, [(b"1", message.value, list(message.headers.items()))])
    [record] = await read_all(settings, TICKETS, count=1)
    with pytest.raises(Undecodable) as refusal:
        decode(record.key, record.value or b"", record.headers)
    assert refusal.value.reason == "missing-attribute"


async def test_kcat_prints_our_headers_and_values(settings: KafkaSettings) -> None:
    samples = [sample for sample in accepted() if sample.topic == NOTES.name]
    await _publish(settings, samples)
    printed = await _kcat(settings, NOTES, "-C", "-o", "beginning", "-e", "-q", "-J")
    lines: list[dict[str, Any]] = [json.loads(line) for line in printed.splitlines()]
    by_id = {_named(line["headers"])["ce_id"]: line for line in lines}
    assert len(by_id) == len(samples)
    for sample in samples:
        headers = [(name, (value or b"").decode()) for name, value in sample.headers]
        line = by_id[dict(headers)["ce_id"]]
        assert line["key"] == (sample.key or b"").decode()
        assert json.loads(line["payload"]) == json.loads(sample.value)
        assert _named(line["headers"]) == dict(headers)


async def test_we_read_what_kcat_writes(settings: KafkaSettings) -> None:
    sample = next(each for each in accepted() if each.name == "itsm.people/PersonSaved.v1/foreign-minimal")
    headers = [f"-H{name}={(value or b'').decode()}" for name, value in sample.headers]
    key = (sample.key or b"").decode()
    await _kcat(settings, PEOPLE, "-P", "-k", key, *headers, given=sample.value)
    [record] = await read_all(settings, PEOPLE, count=1)
    _, fact = decode(record.key, record.value or b"", record.headers, record.timestamp)
    assert fact.model_dump(exclude_none=True) == sample.reads_as


async def test_bad_records_come_from_the_broker_as_they_were_sent(settings: KafkaSettings) -> None:
    samples = [sample for sample in refused() if sample.topic == TICKETS.name]
    await _publish(settings, samples)
    records = await read_all(settings, TICKETS, count=len(samples))
    reasons = []
    for record in records:
        with pytest.raises(Undecodable) as refusal:
            decode(record.key, record.value or b"", record.headers, record.timestamp)
        reasons.append(refusal.value.reason)
    assert sorted(reasons) == sorted(str(sample.reason) for sample in samples)


async def _publish(settings: KafkaSettings, samples: Iterable[Sample]) -> None:
    async with kafka.producing(settings) as producer:
        await kafka.send(
            producer,
            [
                OutgoingRecord(settings.topic_prefix + sample.topic, sample.key, sample.value, sample.headers)
                for sample in samples
            ],
        )


async def _send(
    settings: KafkaSettings, topic: Topic, records: list[tuple[bytes, bytes, list[tuple[str, bytes]]]]
) -> None:
    async with kafka.producing(settings) as producer:
        name = settings.topic_prefix + topic.name
        await kafka.send(
            producer, [OutgoingRecord(name, key, value, headers) for key, value, headers in records]
        )


async def _kcat(settings: KafkaSettings, topic: Topic, *arguments: str, given: bytes = b"") -> str:
    program = shutil.which("kcat")
    if program is None:
        pytest.skip("kcat is not installed (Debian package kcat)")
    process = await asyncio.create_subprocess_exec(
        program,
        *("-b", settings.kafka_bootstrap, "-t", settings.topic_prefix + topic.name, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, errors = await asyncio.wait_for(process.communicate(given), _SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, errors.decode()
    return out.decode()


def _named(headers: list[str]) -> dict[str, str]:
    """kcat prints names and values in turn."""
    return dict(zip(headers[::2], headers[1::2], strict=True))
