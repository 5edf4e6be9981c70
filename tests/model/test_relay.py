"""The relay: nothing is forgotten that Kafka has not, and readers find every ticket in order."""

from collections.abc import Iterable

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.structs import RecordMetadata
from notes import relay
from relato_runtime import kafka
from relato_runtime.kafka import OutgoingRecord

from tests.model import relaying
from tests.model.conftest import FOUND_WITHIN, SCHEDULES, Stage, schedules
from tests.model.relaying import Clock
from tests.model.schedule import Violated
from tests.model.stepped import Changes


async def test_nothing_is_lost_and_nothing_out_of_order_in_all_schedules(
    notes_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = await relaying.prepare(notes_stage, monkeypatch)
    for schedule in schedules(notes_stage, 0, SCHEDULES):
        try:
            await relaying.explore(notes_stage, schedule, Changes(), clock)
        except Violated as violated:
            pytest.fail("\n".join([*schedule.trace, str(violated)]))


async def violation(stage: Stage, changed: Changes, clock: Clock) -> str:
    """What the first schedule finds that finds anything."""
    for schedule in schedules(stage, 0, FOUND_WITHIN):
        try:
            await relaying.explore(stage, schedule, changed, clock)
        except Violated as violated:
            assert changed.all_made
            return str(violated)
    raise AssertionError("the missing safeguard was not missed")


async def test_without_the_fence_a_deposed_relay_goes_on_forgetting(
    notes_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = await relaying.prepare(notes_stage, monkeypatch)
    changed = Changes(("DELETE FROM outbox", " AND EXISTS (SELECT FROM leader)", ""))
    assert "has forgotten events while" in await violation(notes_stage, changed, clock)


async def test_forgotten_before_kafka_has_acknowledged_it_is_lost(
    notes_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def send_only(
        producer: AIOKafkaProducer, records: Iterable[OutgoingRecord]
    ) -> list[RecordMetadata]:
        for each in records:
            await producer.send(each.topic, value=each.value, key=each.key, headers=list(each.headers))
        return []

    clock = await relaying.prepare(notes_stage, monkeypatch)
    monkeypatch.setattr(kafka, "send", send_only)
    assert "not on the topic" in await violation(notes_stage, Changes(), clock)


async def test_published_in_another_order_than_recorded_a_ticket_has_holes(
    notes_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = await relaying.prepare(notes_stage, monkeypatch)
    changed = Changes(("FROM outbox AS waiting", "ORDER BY waiting.seq", "ORDER BY waiting.seq DESC"))
    assert "follows" in await violation(notes_stage, changed, clock)


async def test_read_ahead_past_what_committed_late_a_ticket_has_holes(
    notes_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = await relaying.prepare(notes_stage, monkeypatch)
    monkeypatch.setattr(relay, "_BATCH", 1)
    changed = Changes(("AND waiting.seq > $2", "= $3", "> 0 AND $3::bigint > 0"))
    assert "follows" in await violation(notes_stage, changed, clock)
