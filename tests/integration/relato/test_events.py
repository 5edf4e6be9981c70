"""`relato events tail`, as another program reads it."""

import asyncio
import json
import signal

import pytest

from tests.integration.relato.conftest import Installation


async def test_a_tickets_events_are_printed_one_a_line_in_order(installation: Installation) -> None:
    ended = await installation.relato("events", "tail", "--ticket", "1001", "--no-follow")
    every = [json.loads(line) for line in ended.output.splitlines()]
    events = [event for event in every if "replayid" not in event]
    assert [event["streamversion"] for event in events] == list(range(1, len(events) + 1))
    for event in events:
        assert event["specversion"] == "1.0"
        assert event["source"] == "/relato/notes"
        assert event["partitionkey"] == event["subject"] == event["data"]["ticket_id"] == "1001"


@pytest.mark.parametrize("name", ["OccurrenceRecorded", "relato.OccurrenceRecorded.v1"])
async def test_one_type_alone_is_printed(installation: Installation, name: str) -> None:
    ended = await installation.relato("events", "tail", "--type", name, "--no-follow")
    types = {json.loads(line)["type"] for line in ended.output.splitlines()}
    assert types == {"relato.OccurrenceRecorded.v1"}


async def test_a_type_that_does_not_exist_is_wrong_usage(installation: Installation) -> None:
    ended = await installation.relato("events", "tail", "--type", "TicketClosed")
    assert (ended.code, ended.output) == (2, "")
    assert "OccurrenceRecorded" in ended.errors


async def test_it_waits_for_more_until_interrupted(installation: Installation) -> None:
    process = await installation.start("events", "tail")
    assert process.stdout is not None
    async with asyncio.timeout(20):
        await process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")


async def test_it_ends_when_nobody_reads_any_more(installation: Installation) -> None:
    process = await installation.start("events", "tail", "--ticket", "1001")
    assert process.stdout is not None
    assert process.stderr is not None
    async with asyncio.timeout(20):
        await process.stdout.readline()
        process.stdout._transport.close()  # type: ignore[attr-defined]  # as `head` closes its end of a pipe
        errors = await process.stderr.read()
        await process.wait()
    assert (process.returncode, errors) == (0, b"")
