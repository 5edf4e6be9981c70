"""What is held back is shown in its time, once, unless somebody keeps it from that."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from notes.app import build
from notes.settings import NotesSettings
from relato.stack.ports import free
from relato_contracts.envelope import Envelope, decode
from relato_contracts.fields import Fact
from relato_contracts.topics import NOTES, TICKETS
from relato_runtime import kafka

from tests.integration.notes.conftest import Service, occurrence
from tests.support import world
from tests.support.issuer import Issuer
from tests.support.reaching import reaching
from tests.support.serving import serving
from tests.support.topics import read_all
from tests.support.waiting import until

OCCURRENCES = "/tickets/1001/occurrences"
LONG = {"visible_to_requester": True, "notify_by_email": True, "hold_seconds": 60}
SHORT = {**LONG, "hold_seconds": 1}


async def held(service: Service, **changes: object) -> dict[str, Any]:
    """Carlos records something that is held back; the answer."""
    answer = await service.post("carlos", OCCURRENCES, occurrence(**changes))
    assert answer.status_code == 201, answer.text
    given: dict[str, Any] = answer.json()
    return given


async def undo(
    service: Service, occurrence_id: str, person: str = "carlos", **headers: str
) -> httpx.Response:
    """POST …/undo, without a body, as a person."""
    return await service.http.post(
        f"/api/notes{OCCURRENCES}/{occurrence_id}/undo", headers=service.issuer.bearer(person) | headers
    )


async def nothing_is_due(database: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Wait until nothing is held back any more."""

    async def empty() -> bool:
        return bool(await database.fetchval("SELECT NOT EXISTS (SELECT FROM releases)"))

    await until(empty, what="the end of holding back")


async def log(settings: NotesSettings, count: int) -> list[tuple[Envelope, Fact]]:
    """What Kafka has, in order."""
    records = await read_all(settings, NOTES, count=count)
    return [decode(each.key, each.value or b"", each.headers) for each in records]


async def outcomes(
    database: "asyncpg.Connection[asyncpg.Record]",
) -> list[tuple[str, bool | None, str | None]]:
    """Of the facts after the first: type, whether it shows, and what became of what was held back."""
    rows = await database.fetch(
        """
        SELECT type, (data ->> 'visible_to_requester')::boolean AS visible,
            data ->> 'release_outcome' AS outcome
        FROM events WHERE version > 1 ORDER BY version
        """
    )
    return [(row["type"].split(".")[1], row["visible"], row["outcome"]) for row in rows]


SHOWN = ("OccurrenceVisibilityChanged", True, "shown")


async def test_what_is_held_back_is_published_as_internal_and_shown_in_its_time(service: Service) -> None:
    answer = await held(service, **SHORT)
    assert answer["notification"] == "planned"
    release_at = datetime.fromisoformat(answer["release_at"])
    (recorded, first), (shown, second) = await log(service.settings, 2)
    assert first.model_dump(include={"visible_to_requester", "notify_by_email"}) == {
        "visible_to_requester": False,
        "notify_by_email": False,
    }
    assert second.model_dump(include={"visible_to_requester", "notify_by_email", "author_id"}) == {
        "visible_to_requester": True,
        "notify_by_email": True,
        "author_id": "carlos",
    }
    assert shown.time >= release_at
    assert shown.causation_id == recorded.correlation_id, "what recorded it is what shows it"
    assert (shown.actor, shown.traceparent) == ("carlos", recorded.traceparent)
    await nothing_is_due(service.database)


async def test_a_showing_that_is_held_back_comes_in_its_time_too(service: Service) -> None:
    recorded = (await service.post("carlos", OCCURRENCES, occurrence())).json()
    body = {"visible_to_requester": True, "reason": "Pediu", "hold_seconds": 1}
    answer = await service.post("carlos", f"{OCCURRENCES}/{recorded['occurrence_id']}/visibility", body)
    assert (answer.status_code, answer.json()["notification"]) == (201, "none")
    assert answer.json()["release_at"]
    await nothing_is_due(service.database)
    assert await outcomes(service.database) == [("OccurrenceVisibilityChanged", False, None), SHOWN]


async def test_what_is_held_back_can_be_corrected_and_is_shown_as_it_then_reads(service: Service) -> None:
    answer = await held(service, **{**LONG, "hold_seconds": 3})
    path = f"{OCCURRENCES}/{answer['occurrence_id']}/corrections"
    fixed = await service.post("carlos", path, {"description_html": "<p>Certo</p>", "reason": "Engano"})
    assert (fixed.status_code, fixed.json()["release_at"]) == (201, answer["release_at"])
    await nothing_is_due(service.database)
    assert await outcomes(service.database) == [("OccurrenceCorrected", None, None), SHOWN]


async def test_without_holding_back_nothing_has_changed(service: Service) -> None:
    answer = await held(service, visible_to_requester=True, hold_seconds=0)
    assert "release_at" not in answer
    assert await service.database.fetchval("SELECT count(*) FROM releases") == 0


async def test_undone_it_is_retracted_and_never_shown(service: Service) -> None:
    answer = await held(service, **LONG)
    key = {"Idempotency-Key": str(uuid4())}
    first, again = [await undo(service, answer["occurrence_id"], **key) for _ in range(2)]
    assert (first.status_code, again.json()) == (201, first.json())
    assert first.json() == {
        "ticket_id": "1001",
        "version": 2,
        "occurrence_id": answer["occurrence_id"],
        "notification": "none",
    }
    assert await outcomes(service.database) == [("OccurrenceRetracted", None, "undone")]
    assert await service.database.fetchval("SELECT count(*) FROM releases") == 0


async def test_undoing_too_late_is_refused_and_undoing_is_the_authors_alone(service: Service) -> None:
    async def refusal(occurrence_id: str, person: str = "carlos") -> tuple[int, str]:
        answer = await undo(service, occurrence_id, person)
        return answer.status_code, answer.json()["type"].rpartition("/")[2]

    long = (await held(service, **LONG))["occurrence_id"]
    assert await refusal(long, "ana") == (403, "not-permitted")
    assert await refusal(long, "olga") == (404, "ticket-not-found")
    assert await refusal(str(uuid4())) == (404, "occurrence-not-found")
    await undo(service, long)
    assert await refusal(long) == (409, "already-retracted")
    short = (await held(service, **SHORT))["occurrence_id"]
    await nothing_is_due(service.database)
    assert await refusal(short) == (409, "already-released")


async def test_a_body_that_undo_does_not_know_is_refused(service: Service) -> None:
    path = f"{OCCURRENCES}/{(await held(service, **LONG))['occurrence_id']}/undo"
    assert (await service.post("carlos", path, {"reason": "Engano"})).status_code == 422
    assert (await service.post("carlos", path, {})).status_code == 201


async def test_undo_and_release_at_the_same_moment_have_one_winner(service: Service) -> None:
    answers = await asyncio.gather(*(held(service, **SHORT) for _ in range(16)))

    async def at_the_last_moment(answer: dict[str, Any]) -> int:
        due = datetime.fromisoformat(answer["release_at"])
        # Some a little before the time, some a little after it: who is first is not for the test to say.
        early = (answer["version"] % 8) * 0.05 - 0.1
        await asyncio.sleep((due - datetime.now(UTC)).total_seconds() + early)
        return (await undo(service, answer["occurrence_id"])).status_code

    statuses = await asyncio.gather(*(at_the_last_moment(answer) for answer in answers))
    await nothing_is_due(service.database)
    for answer, status in zip(answers, statuses, strict=True):
        ends = await service.database.fetch(
            "SELECT data ->> 'release_outcome' AS outcome FROM events WHERE subject_id = $1 AND version > $2",
            *(answer["occurrence_id"], answer["version"]),
        )
        assert [each["outcome"] for each in ends] == ["undone" if status == 201 else "shown"]
        assert status in {201, 409}


@pytest.mark.parametrize(
    ("ending", "body"),
    [
        ("retraction", {"reason": "Outro chamado"}),
        ("visibility", {"visible_to_requester": False, "reason": "Interno"}),
        ("visibility", {"visible_to_requester": True, "reason": "Já"}),
    ],
    ids=["retracted", "hidden", "shown"],
)
async def test_what_somebody_decides_meanwhile_holds(
    service: Service, ending: str, body: dict[str, object]
) -> None:
    answer = await held(service, **LONG)
    decided = await service.post("carlos", f"{OCCURRENCES}/{answer['occurrence_id']}/{ending}", body)
    assert decided.status_code == 201, decided.text
    assert await service.database.fetchval("SELECT count(*) FROM releases") == 0
    assert len(await outcomes(service.database)) == 1


@pytest.mark.parametrize(
    "meanwhile",
    [
        world.ticket(status="closed"),
        world.ticket(group_id="fora"),
        world.group("redes", member_ids=("davi",)),
    ],
    ids=["closed", "handed to another group", "no longer in the group"],
)
async def test_what_was_sent_while_it_was_allowed_arrives_whatever_became_of_the_ticket(
    service: Service, meanwhile: Fact
) -> None:
    await held(service, **{**LONG, "hold_seconds": 2})
    await service.publish(meanwhile)
    await nothing_is_due(service.database)
    assert await outcomes(service.database) == [SHOWN]


@pytest.mark.parametrize(
    "meanwhile",
    [world.ticket(requester_id="bia"), world.person("carlos", active=False), world.parameter(298, "N")],
    ids=["another requester", "the author stopped", "occurrences switched off"],
)
async def test_what_must_not_go_out_any_more_is_withheld_and_the_history_says_so(
    service: Service, meanwhile: Fact
) -> None:
    await held(service, **{**LONG, "hold_seconds": 3})
    await service.publish(meanwhile)
    await nothing_is_due(service.database)
    assert await outcomes(service.database) == [("OccurrenceVisibilityChanged", False, "withheld")]


async def test_a_note_that_a_wrong_clock_holds_back_for_an_hour_is_shown_soon(service: Service) -> None:
    await held(service, **LONG)
    fact, due = "jsonb_set(data::jsonb, '{release,at}', to_jsonb($1::text))::json", "2126-11-24T12:00:00Z"
    await service.database.execute(f"UPDATE events SET data = {fact}", due)
    await service.database.execute("UPDATE releases SET due_at = $1::text::timestamptz", due)
    await nothing_is_due(service.database)
    assert await outcomes(service.database) == [SHOWN]


async def test_a_ticket_that_was_removed_is_told_nothing(service: Service) -> None:
    await held(service, **{**LONG, "hold_seconds": 3})
    await service.send(kafka.OutgoingRecord(service.settings.topic_prefix + TICKETS.name, b"1001", None, []))
    await nothing_is_due(service.database)
    assert await outcomes(service.database) == [("OccurrenceVisibilityChanged", False, "withheld")]


async def test_several_processes_show_it_once(service: Service) -> None:
    async with serving(build(service.settings)), serving(build(service.settings)):
        await asyncio.gather(*(held(service, **SHORT) for _ in range(8)))
        await nothing_is_due(service.database)
    assert (await outcomes(service.database)).count(SHOWN) == 8


@asynccontextmanager
async def process(
    settings: NotesSettings,
) -> AsyncIterator[tuple[httpx.AsyncClient, asyncio.subprocess.Process]]:
    """Notes as a process of its own, that can be killed; gives it when it is ready."""
    port = free()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("RELATO_")},
        "RELATO_DATABASE_URL": settings.database_url.get_secret_value(),
        "RELATO_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "RELATO_TOPIC_PREFIX": settings.topic_prefix,
        "RELATO_OIDC_ISSUER": settings.oidc_issuer,
        "RELATO_HTTP_PORT": str(port),
        "RELATO_LOG_LEVEL": "error",
    }
    running = await asyncio.create_subprocess_exec(sys.executable, "-m", "notes", env=environment)
    try:
        async with reaching(f"http://127.0.0.1:{port}") as client:

            async def ready() -> bool:
                try:
                    return (await client.get("/readyz")).status_code == 200
                except httpx.TransportError:
                    return False

            await until(ready, what="readiness", within=60)
            yield client, running
    finally:
        if running.returncode is None:
            running.kill()
        await running.wait()


async def test_what_was_held_back_when_notes_was_killed_is_shown_once_by_the_next(
    notes_settings: NotesSettings, issuer: Issuer
) -> None:
    settings = notes_settings
    database = await asyncpg.connect(settings.database_url.get_secret_value())
    try:
        async with process(settings) as (client, running):
            await world.publish(settings, *world.world())

            async def accepted() -> bool:
                answer = await client.post(
                    f"/api/notes{OCCURRENCES}", json=occurrence(**SHORT), headers=issuer.bearer("carlos")
                )
                return answer.status_code == 201

            await until(accepted, what="an occurrence that is accepted")
            running.kill()
            await running.wait()
            assert await outcomes(database) == []
        async with process(settings):
            await nothing_is_due(database)
        assert await outcomes(database) == [SHOWN]
    finally:
        await database.close()
