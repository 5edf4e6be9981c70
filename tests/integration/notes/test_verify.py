"""The log is compared with its topic: whatever is wrong is found and named, with its repair."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from notes import outbox, verify
from notes.outbox import Pending
from notes.records import record_of
from notes.settings import NotesSettings
from relato_contracts.topics import NOTES
from relato_runtime import jobs, kafka, working
from relato_runtime.auth import Caller
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


async def test_what_was_corrupted_is_found_and_named_with_its_repair(service: Service) -> None:
    await history(service)
    headers = service.issuer.bearer("olga", "operator")
    assert (await service.http.get("/api/operate/events/verification", headers=headers)).status_code == 404
    clean = await verified(service)
    assert (clean["numbers"], clean["findings"], clean["name"]) == ({}, [], "Olga")
    assert clean["done"] == clean["total"] == 6 * len(TICKETS)

    lost, changed, late, holed, behind, disordered, twice, scattered = TICKETS[:8]
    database, topic = service.database, service.settings.topic_prefix + NOTES.name
    await add(service, lost, 4)
    await database.execute(
        "UPDATE events SET data = replace(data::text, 'Cabo', 'Fio')::json"
        " WHERE ticket_id = $1 AND version = 2",
        changed,
    )
    await database.execute(
        "UPDATE events SET recorded_at = recorded_at + interval '1 s', event_id = gen_random_uuid()"
        " WHERE ticket_id = $1 AND version = 3",
        late,
    )
    await database.execute("DELETE FROM events WHERE ticket_id = $1 AND version = 2", holed)
    await database.execute("UPDATE streams SET version = 2 WHERE ticket_id = $1", behind)
    await database.execute("INSERT INTO outbox (seq, ticket_id, version) VALUES (10000000, 'nobody', 7)")
    await add(service, disordered, 4, 5)
    fourth, fifth = (record_of(topic, each) for each in (await logged(service, disordered))[3:])
    again = record_of(topic, (await logged(service, twice))[1])
    replayed = record_of(topic, (await logged(service, twice))[2], "a replay")
    foreign = kafka.OutgoingRecord(topic, b"1001", b"{}", [("ce_source", b"elsewhere")])
    await add(service, scattered, 4)
    elsewhere = record_of(topic, (await logged(service, scattered))[3])
    async with kafka.producing(service.settings) as producer:
        await kafka.send(producer, [fifth, fourth, again, replayed, foreign])
        homes = {
            each.partition
            for each in await kafka.send(
                producer, [record_of(topic, (await logged(service, scattered))[0], "r")]
            )
        }
        await producer.send_and_wait(
            topic,
            value=elsewhere.value,
            key=elsewhere.key,
            headers=list(elsewhere.headers),
            partition=(homes.pop() + 1) % 3,
        )
    found = await verified(service)
    said = {(each["kind"], each["ticket_id"], each["version"]): each for each in found["findings"]}
    assert said.keys() == {
        ("missing", lost, 4),
        ("different", changed, 2),
        ("different", late, 3),
        ("hole", holed, 2),
        ("unexpected", holed, 2),
        ("stream", behind, 3),
        ("orphan", "nobody", 7),
        ("disorder", disordered, 5),
        ("duplicate", twice, 2),
        ("scattered", scattered, 4),
        ("foreign", None, None),
    }
    assert sum(found["numbers"].values()) == len(found["findings"]) == found["wrong"] + 1
    assert said["different", changed, 2]["detail"] == {"differs": ["data"]}
    assert said["different", late, 3]["detail"] == {"differs": ["id", "time"]}
    assert said["missing", lost, 4]["repair"] == f"relato events republish --ticket {lost}"
    assert [key for key, each in said.items() if each["repair"] is None] == [("duplicate", twice, 2)]
    for kind in ("different", "unexpected", "disorder", "duplicate", "scattered", "foreign"):
        where = next(each for key, each in said.items() if key[0] == kind)
        assert (where["topic"], where["partition"] is None, where["offset"] is None) == (topic, False, False)


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
        found, numbers = await jobs.found(database, job.id, 10)
        assert numbers == {"late": 999, "missing": 1}
        assert job.done == job.total == 5_000 + 6_000
        assert (found[0].kind, found[0].ticket_id, found[0].version) == ("missing", "f", 500)
        assert not await database.fetchval("SELECT EXISTS (SELECT FROM checked_records)")
    finally:
        await database.close()
