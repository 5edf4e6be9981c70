"""Operators have the projector take in what it could not, in order, once, whatever comes in between."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest
from pydantic import SecretStr
from relato.stack.ports import free
from relato_contracts.itsm import PersonSaved
from relato_contracts.notes import OccurrenceCorrected, OccurrenceRecorded

from tests.integration.history_projector.conftest import Projecting
from tests.integration.history_projector.test_projector import publish_stream, versions
from tests.integration.history_projector.test_rebuild import differences
from tests.support import stream as a
from tests.support import world
from tests.support.letters import Letters, not_known_yet
from tests.support.reaching import reaching
from tests.support.waiting import until


@pytest.fixture
def letters(projector: Projecting) -> Letters:
    return Letters(projector.http, projector.issuer, "history-projector")


async def _parked(projector: Projecting) -> list[str]:
    rows = await projector.database.fetch("SELECT ticket_id FROM history.parked_tickets ORDER BY ticket_id")
    return [row["ticket_id"] for row in rows]


async def test_once_the_program_knows_a_fact_its_ticket_goes_on_with_all_that_waited(
    projector: Projecting, letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    with not_known_yet(monkeypatch, OccurrenceCorrected):
        given = a.stream(a.recorded(1), a.corrected(1), a.recorded(3), a.corrected(3), a.recorded(5))
        await publish_stream(projector, *given)
        assert await versions(projector) == [1]
        first, second = await letters.listed(because="unknown-version", state="parked")
        # It fails again for as long as nothing is mended, and what comes after it waits for it.
        tried = await letters.done("retry", all=True, reason="impatient")
        assert tried == [(first["id"], "failed"), (second["id"], "waits")]
        assert (await letters.listed())[0]["tries"] == 1
        shown = (await letters.shown(first["id"])).json()
        assert shown["data"]["ticket_id"] == "1001"
        assert ["ce_streamversion", "2"] in shown["headers"]
    later = await letters.ask("retry", ids=[second["id"]])
    assert later.json()["items"][0]["outcome"] == "waits"
    assert first["id"] in later.json()["items"][0]["detail"]

    would = await letters.done("retry", all=True, dry_run=True)
    assert would == [(first["id"], "taken-in"), (second["id"], "taken-in")]
    assert await versions(projector) == [1]
    # Two operators at once: one does it, whatever the other is told.
    both = await asyncio.gather(
        letters.ask("retry", all=True, reason="upgraded"), letters.ask("retry", all=True, who="otto")
    )
    done = [each["outcome"] for answer in both for each in answer.json().get("items", [])]
    assert done.count("taken-in") == 2
    assert await versions(projector) == [1, 2, 3, 4, 5]
    assert await projector.database.fetchval("SELECT sum(minutes) FROM history.time_totals") == 45
    assert await _parked(projector) == []
    again = await letters.ask("retry", ids=[first["id"]])
    assert (again.status_code, again.json()["detail"]) == (409, f"{first['id']} is retried already.")
    assert await letters.done("retry", all=True) == []
    assert {each["settled_by"] for each in await letters.listed()} <= {"Olga", "Otto"}


async def test_a_correct_record_of_the_same_version_releases_the_ticket_and_the_letter_is_discarded(
    projector: Projecting, letters: Letters
) -> None:
    first, second, third = a.stream(a.recorded(1), a.recorded(2), a.recorded(3))
    lost = replace(a.outgoing(projector.settings, second), value=b'{"ticket_id": "1001"}')
    await projector.publish(
        a.outgoing(projector.settings, first), lost, a.outgoing(projector.settings, third)
    )
    envelope, fact = second
    await publish_stream(projector, (replace(envelope, replay_id="repair-1"), fact))
    assert await versions(projector) == [1, 2, 3]
    assert await _parked(projector) == []
    (letter,) = await letters.listed()
    assert await letters.done("retry", ids=[letter["id"]]) == [(letter["id"], "failed")]
    assert (await letters.ask("discard", ids=[letter["id"]])).status_code == 422
    assert await letters.done("discard", ids=[letter["id"]], reason="republished") == [
        (letter["id"], "discarded")
    ]
    (letter,) = await letters.listed()
    assert (letter["state"], letter["settled_why"]) == ("discarded", "republished")
    assert (await letters.ask("retry", ids=[letter["id"]])).status_code == 409


async def test_a_record_that_came_twice_by_then_changes_nothing(
    projector: Projecting, letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = a.stream(a.recorded(1), a.recorded(2), a.recorded(3))
    with not_known_yet(monkeypatch, OccurrenceRecorded):
        await publish_stream(projector, given[0])
    await publish_stream(projector, *given)
    (letter,) = await letters.listed()
    assert await letters.done("retry", all=True) == [(letter["id"], "taken-in")]
    assert await versions(projector) == [1, 2, 3]
    assert await projector.database.fetchval("SELECT sum(minutes) FROM history.time_totals") == 45


async def test_what_is_discarded_holds_its_ticket_up_no_longer_unless_a_version_is_missing(
    projector: Projecting, letters: Letters
) -> None:
    first, lacking, third = a.stream(a.recorded(1), a.recorded(2), a.recorded(3))
    junk = replace(a.outgoing(projector.settings, first), value=b"\xff")
    other = replace(a.outgoing(projector.settings, a.noted(1, a.recorded(9, ticket_id="1002"))), value=b"{")
    gap = [a.outgoing(projector.settings, first), junk, a.outgoing(projector.settings, third), other]
    await projector.publish(*gap)
    assert await _parked(projector) == ["1001", "1002"]
    would = await letters.done("discard", all=True, reason="junk", dry_run=True)
    assert len(would) == 2
    assert await _parked(projector) == ["1001", "1002"]
    assert len(await letters.done("discard", consumer="history/1", reason="junk")) == 2
    assert await _parked(projector) == ["1001"]
    await publish_stream(projector, lacking)
    assert await versions(projector) == [1, 2, 3]
    assert await _parked(projector) == []


async def test_what_was_discarded_is_given_up_in_a_rebuild_too(
    projector: Projecting, letters: Letters
) -> None:
    first, second = a.stream(a.recorded(1), a.recorded(2))
    junk = replace(a.outgoing(projector.settings, first), value=b"\xff")
    await projector.publish(junk)
    await letters.done("discard", all=True, reason="junk")
    await projector.done("rebuild")
    await projector.level(2)
    assert [(each["consumer"], each["state"], each["settled_why"]) for each in await letters.listed()] == [
        ("history/1", "discarded", "junk"),
        ("history/2", "discarded", "junk"),
    ]
    assert not await projector.database.fetch("SELECT FROM history_2.parked_tickets")
    await publish_stream(projector, first, second)
    await projector.level(1)
    await projector.level(2)
    assert await differences(projector, 1, 2) == {}


async def test_a_state_that_was_followed_by_another_does_not_come_back(
    projector: Projecting, letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    def facts(*names: tuple[str, str]) -> list[PersonSaved]:
        return [world.person(person_id, name=name) for person_id, name in names]

    async def publish(*saved: PersonSaved) -> None:
        await projector.publish(*(world.record(projector.settings, each) for each in saved))

    with not_known_yet(monkeypatch, PersonSaved):
        await publish(*facts(("eva", "Eva"), ("eva", "Eva Maria"), ("iva", "Iva")))
    await publish(*facts(("iva", "Iva Nova")))
    by_key = {each["key"]: each["id"] for each in await letters.listed() if each["key"] == "iva"}
    done = dict(await letters.done("retry", consumer="history-reference"))
    assert sorted(done.values()) == ["superseded", "taken-in", "taken-in"]
    assert done[by_key["iva"]] == "superseded"
    names = await projector.database.fetch("SELECT name FROM reference.people ORDER BY person_id")
    assert [row["name"] for row in names] == ["Eva Maria", "Iva Nova"]


@asynccontextmanager
async def _process(projector: Projecting) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A projector of its own process, and its address."""
    given = projector.settings.model_dump(exclude_unset=True)
    port = free()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "history_projector"),
        env={
            f"RELATO_{name.upper()}": value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            for name, value in {**given, "http_port": port}.items()
        },
    )
    try:
        async with reaching(f"http://127.0.0.1:{port}") as client:

            async def ready() -> bool:
                try:
                    return (await client.get("/readyz")).status_code == 200
                except httpx.TransportError:
                    return False

            await until(ready, within=60, what="a second process")
            yield process, str(client.base_url)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_retry_that_is_killed_half_way_has_done_a_half_and_goes_on_when_asked_again(
    projector: Projecting, letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket_ids = [str(number) for number in range(3_000, 3_020)]
    with not_known_yet(monkeypatch, OccurrenceRecorded):
        notes = [a.noted(1, a.recorded(int(each), ticket_id=each)) for each in ticket_ids]
        await publish_stream(projector, *notes)
    highest = "SELECT max(partition) FROM dead_letters"
    async with _process(projector) as (process, address), reaching(address) as client:
        there = Letters(client, projector.issuer, "history-projector")
        async with projector.database.transaction():
            # Nobody comes past this partition before the transaction is over.
            await projector.database.execute(
                f"SELECT FROM positions WHERE consumer = 'history/1' AND partition = ({highest}) FOR UPDATE"
            )
            asked = asyncio.create_task(there.ask("retry", all=True))

            async def in_the_middle() -> bool:
                found = await projector.database.fetchval(
                    "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                    " AND datname = current_database() AND query LIKE '%positions%')"
                )
                return bool(found)

            await until(in_the_middle, what="a retry in the middle")
            process.kill()
            await process.wait()
            with pytest.raises(httpx.TransportError):
                await asked
    states = {each["state"] for each in await letters.listed()}
    assert states == {"parked", "retried"}
    held = await letters.ask("retry", all=True)
    assert (held.status_code, held.json()["type"].rpartition("/")[2]) == (409, "held")
    await projector.database.execute("UPDATE operation_leases SET until = now()")  # a minute goes by
    assert {outcome for _, outcome in await letters.done("retry", all=True)} == {"taken-in"}
    for each in ticket_ids:
        assert await versions(projector, each) == [1]


async def test_many_that_cannot_be_mended_do_not_keep_the_others_from_it(
    projector: Projecting, letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    with not_known_yet(monkeypatch, OccurrenceRecorded):
        await publish_stream(projector, a.noted(1, a.recorded(1)))
    (mendable,) = await letters.listed()
    # In front of it, as each partition had them, lies what nothing will ever make readable.
    await projector.database.execute(
        """
        INSERT INTO dead_letters (consumer, topic, partition, record_offset, key, value, headers, reason,
            error, record_timestamp)
        SELECT consumer, topic, partition, record_offset - number, convert_to('junk-' || number, 'utf-8'),
            '{', headers, reason, error, record_timestamp
        FROM dead_letters, generate_series(1, 205) AS number
        """
    )
    first = (await letters.ask("retry", all=True)).json()
    assert ({each["outcome"] for each in first["items"]}, first["left"]) == ({"failed"}, 6)
    second = (await letters.ask("retry", all=True, after=first["next_after"])).json()
    assert second["items"][-1] == {"id": mendable["id"], "outcome": "taken-in", "detail": ""}
    assert (len(second["items"]), second["left"], second["next_after"]) == (6, 0, None)


async def test_what_is_named_is_gone_on_with_when_one_request_did_not_suffice(
    projector: Projecting, letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    with not_known_yet(monkeypatch, OccurrenceRecorded):
        await publish_stream(projector, *a.stream(a.recorded(1), a.recorded(2), a.recorded(3)))
    ids = [each["id"] for each in await letters.listed()]
    monkeypatch.setattr("relato_runtime.retrying.SECONDS", 0)
    would: list[str] = []
    outcomes: list[str] = []
    for dry_run, found in ((True, would), (False, outcomes)):
        after: str | None = None
        for left in (2, 1, 0):
            said = (await letters.ask("retry", ids=ids, after=after, dry_run=dry_run)).json()
            found += [each["outcome"] for each in said["items"]]
            assert said["left"] == left
            after = said["next_after"]
        assert after is None
    assert would == outcomes == ["taken-in"] * 3


async def test_nobody_but_operators_and_nothing_but_what_is_meant(
    projector: Projecting, letters: Letters
) -> None:
    path = "/api/operate/dead-letters/history-projector"
    executor = projector.issuer.bearer("carlos", "administrator")
    assert (await projector.http.get(path, headers=executor)).status_code == 403
    asked = await projector.http.post(f"{path}/retry", json={"all": True}, headers=executor)
    assert asked.status_code == 403
    assert (await letters.ask("retry")).status_code == 422
    assert (await letters.ask("retry", all=True, dry_run="true")).status_code == 422
    assert (await letters.ask("retry", ids=["history/1-77"])).status_code == 409
    for unknown in ("history/1-77", "notifier", "-", "history/1-x"):
        assert (await letters.shown(unknown)).status_code == 404
