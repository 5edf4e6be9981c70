"""The log or its topic is put back from a backup: nothing that was acknowledged is lost or told twice."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from notes.app import build
from notes.operating import levelling
from notes.operating.adopt import Diverged
from notes.privacy import anew, remembering
from notes.settings import NotesSettings
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from relato_contracts.envelope import decode, encode
from relato_contracts.topics import NOTES
from relato_runtime import clearing, erasures_file, kafka

from tests.conftest import PARTITIONS
from tests.integration.notes.conftest import occurrence
from tests.support import raw, stream, world
from tests.support.databases import back_up, put_back
from tests.support.issuer import Issuer
from tests.support.metrics import Measured
from tests.support.reaching import reaching
from tests.support.serving import serving
from tests.support.topics import make_anew, read_all
from tests.support.waiting import until


@dataclass
class Notes:
    """A notes service that can be stopped, started, and given another past meanwhile."""

    settings: NotesSettings
    issuer: Issuer
    running: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def url(self) -> str:
        return self.settings.database_url.get_secret_value()

    async def start(self, **changes: Any) -> None:
        address = await self.running.enter_async_context(
            serving(build(self.settings.model_copy(update=changes)))
        )
        self.http = await self.running.enter_async_context(reaching(address))

    async def stop(self) -> None:
        await self.running.aclose()

    async def ready(self) -> bool:
        return (await self.http.get("/readyz")).status_code == 200

    async def missing(self) -> dict[str, str]:
        missing: dict[str, str] = (await self.http.get("/readyz")).json()["missing"]
        return missing

    async def diverged(self) -> float:
        """How often a record was found that contradicts the log."""
        said = (await self.http.get("/metrics")).text
        return Measured(text_string_to_metric_families(said)).sum("relato_diverged_events_total")

    async def post(
        self, person_id: str, path: str, body: Mapping[str, object], **headers: str
    ) -> httpx.Response:
        """POST as a person."""
        return await self.http.post(
            f"/api/notes{path}", json=dict(body), headers=self.issuer.bearer(person_id) | headers
        )

    async def operate(self, verb: str, **wish: object) -> None:
        """Have something done with events as an operator."""
        headers = self.issuer.bearer("olga", "operator")
        answer = await self.http.post(f"/api/operate/events/{verb}", json=wish, headers=headers)
        assert answer.status_code == 200, answer.text

    async def chat(self, text: str, key: str | None = None) -> dict[str, Any]:
        """Carlos writes to Ana; what is answered."""
        headers = {} if key is None else {"Idempotency-Key": key}
        answer = await self.post("carlos", "/tickets/1001/chat", {"text": text}, **headers)
        assert answer.status_code == 201, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def rows(self, query: str) -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(self.url)
        try:
            return [tuple(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()

    async def published(self) -> None:
        """Wait until Kafka has everything."""

        async def emptied() -> bool:
            return not await self.rows("SELECT FROM outbox")

        await until(emptied, what="an empty outbox")

    async def versions(self, count: int) -> list[int | None]:
        """Of all records on Kafka, in order."""
        records = await read_all(self.settings, NOTES, count=count)
        return [decode(each.key, each.value, each.headers)[0].stream_version for each in records]


LOG = """
SELECT ticket_id, version, event_id, type, subject_id, actor, correlation_id, recorded_at, data::text,
    salt, hash
FROM events ORDER BY 1, 2
"""
STREAMS = "SELECT * FROM streams ORDER BY 1"


@pytest.fixture
async def notes(
    database: Callable[..., Awaitable[str]], kafka_bootstrap: str, topic_prefix: str, issuer: Issuer
) -> AsyncIterator[Notes]:
    settings = NotesSettings(
        database_url=SecretStr(await database("notes")),
        kafka_bootstrap=kafka_bootstrap,
        topic_prefix=topic_prefix,
        oidc_issuer=issuer.url,
        requests_per_second=1_000,
    )
    await world.publish(settings, *world.world())
    notes = Notes(settings, issuer)
    await notes.start()

    async def known() -> bool:
        return len(await notes.rows("SELECT FROM streams")) == 4 and await notes.ready()

    await until(known, what="readiness")
    try:
        yield notes
    finally:
        await notes.stop()


async def test_a_log_that_was_put_back_takes_in_again_what_kafka_has(notes: Notes) -> None:
    first = (await notes.post("carlos", "/tickets/1001/occurrences", occurrence())).json()
    await notes.published()
    await notes.stop()
    backup = await back_up(notes.url)
    await notes.start()
    await until(notes.ready, what="readiness")
    await notes.chat("Depois da cópia")
    correction = {"description_html": "<p>Corrigido</p>", "reason": "erro"}
    answer = await notes.post(
        "carlos", f"/tickets/1001/occurrences/{first['occurrence_id']}/corrections", correction
    )
    assert answer.status_code == 201, answer.text
    await notes.post("ana", "/tickets/1001/views", {"up_to_version": 2})
    await notes.published()
    await notes.stop()
    before = await notes.rows(LOG), await notes.rows(STREAMS)
    assert len(before[0]) == 4

    await put_back(notes.url, backup)
    await notes.start()
    await until(notes.ready, what="readiness")
    assert (await notes.rows(LOG), await notes.rows(STREAMS)) == before
    assert (await notes.chat("Agora"))["version"] == 5
    await notes.published()
    assert await notes.versions(5) == [1, 2, 3, 4, 5]


async def test_without_that_a_version_is_given_out_twice(
    notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    await notes.published()
    await notes.stop()
    backup = await back_up(notes.url)
    await notes.start()
    await until(notes.ready, what="readiness")
    await notes.chat("Depois da cópia")
    await notes.published()
    await notes.stop()

    async def nothing(*_: object) -> list[Diverged]:
        return []

    monkeypatch.setattr(levelling, "level", nothing)
    await put_back(notes.url, backup)
    await notes.start()
    await until(notes.ready, what="readiness")
    await notes.chat("Agora")
    await notes.published()
    assert await notes.versions(2) == [1, 1]


async def test_a_request_with_its_key_is_answered_as_before_and_not_done_again(notes: Notes) -> None:
    await notes.stop()
    backup = await back_up(notes.url)
    await notes.start()
    await until(notes.ready, what="readiness")
    key = str(uuid4())
    told = await notes.chat("Uma vez", key)
    body = occurrence(visible_to_requester=True, notify_by_email=True)
    recorded = await notes.post("carlos", "/tickets/1001/occurrences", body, **{"Idempotency-Key": "k-2"})
    await notes.published()
    await notes.stop()
    await put_back(notes.url, backup)
    await notes.start()
    await until(notes.ready, what="readiness")
    assert await notes.chat("Uma vez", key) == told
    again = await notes.post("carlos", "/tickets/1001/occurrences", body, **{"Idempotency-Key": "k-2"})
    assert again.json() == recorded.json()
    assert len(await notes.rows("SELECT FROM events")) == 2


async def test_a_log_that_was_put_back_waits_for_kafka_before_it_takes_commands(notes: Notes) -> None:
    await notes.stop()
    await put_back(notes.url, await back_up(notes.url))
    await notes.start(kafka_bootstrap="127.0.0.1:1")
    answer = await notes.post("carlos", "/tickets/1001/chat", {"text": "Já?"})
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers

    async def tried() -> bool:
        return "Kafka" in (await notes.missing()).get("commands", "")

    await until(tried, what="a reason")


async def test_a_log_that_was_put_back_tells_nothing_before_it_takes_commands(notes: Notes) -> None:
    await notes.chat("Palavras só para Ana")
    await notes.published()
    await notes.stop()
    await put_back(notes.url, await back_up(notes.url))
    await notes.start(kafka_bootstrap="127.0.0.1:1")
    ana, olga = notes.issuer.bearer("ana"), notes.issuer.bearer("olga", "operator")
    for path, who in (
        ("/api/notes/tickets/1001/drafts", ana),
        ("/api/notes/tickets/1001/proof", ana),
        ("/api/operate/events/proof?ticket_id=1001", olga),
        ("/api/operate/events/export", olga),
        ("/api/operate/events/latest", olga),
        ("/api/operate/dead-letters/notes", olga),
    ):
        answer = await notes.http.get(path, headers=who)
        assert (path, answer.status_code) == (path, 503)
        assert "Retry-After" in answer.headers
    assert (await notes.http.get("/api/operate/events/verification", headers=olga)).status_code == 200


async def test_a_log_that_was_not_put_back_does_not_wait_for_kafka(notes: Notes) -> None:
    await notes.stop()
    await notes.start(kafka_bootstrap="127.0.0.1:1")

    async def accepted() -> bool:
        answer = await notes.post("carlos", "/tickets/1001/chat", {"text": "Já"})
        return answer.status_code == 201

    await until(accepted, within=8, what="a command")


async def test_what_a_broker_has_lost_is_published_again(notes: Notes) -> None:
    for number in range(3):
        await notes.chat(f"Linha {number}")
    await notes.published()
    await notes.stop()
    await make_anew(notes.settings, NOTES, partitions=PARTITIONS)
    await notes.start()
    await until(notes.ready, what="readiness")
    await notes.published()
    assert await notes.versions(3) == [1, 2, 3]


async def test_a_fact_that_contradicts_the_log_is_named_and_nothing_more_is_published(notes: Notes) -> None:
    await notes.chat("Linha 1")
    await notes.published()
    await notes.stop()
    envelope, fact = stream.noted(1, stream.chatted(7))
    key, value, headers = encode(fact, envelope)
    async with kafka.producing(notes.settings) as producer:
        topic = notes.settings.topic_prefix + NOTES.name
        await kafka.send(producer, [kafka.OutgoingRecord(topic, key, value, headers)])
    await notes.start()

    async def named() -> bool:
        return "version 1 of ticket 1001" in (await notes.missing()).get("relay", "")

    await until(named, what="the ticket's name")

    async def accepted() -> bool:
        return (await notes.post("carlos", "/tickets/1002/chat", {"text": "Já"})).status_code == 201

    await until(accepted, what="a command on another ticket")
    await until(named, what="the ticket's name")
    assert len(await notes.rows("SELECT FROM outbox")) == 1
    before = await notes.diverged()

    async def found_again() -> bool:
        return await notes.diverged() > before

    await until(found_again, what="the record, found again")
    # Until an operator, who has had everything verified, accepts what Kafka has.
    await notes.operate("verify")

    async def verified() -> bool:
        headers = notes.issuer.bearer("olga", "operator")
        answer = await notes.http.get("/api/operate/events/verification", headers=headers)
        return bool(answer.json()["state"] == "done")

    await until(verified, what="an end of the verification")
    (place,) = await notes.rows(
        "SELECT partition, record_offset FROM job_findings WHERE kind = 'different' AND version = 1"
    )
    await notes.operate("accept", partition=place[0], offset=place[1], reason="the log is right")
    await notes.published()
    await until(notes.ready, what="readiness")
    found = await notes.diverged()
    await notes.stop()
    await notes.start()
    await until(notes.ready, what="readiness")
    assert await notes.diverged() == found


async def test_a_hole_in_the_log_is_filled_from_the_topic_and_everything_is_published_again(
    notes: Notes,
) -> None:
    for number in range(3):
        await notes.chat(f"Linha {number}")
    await notes.published()
    await notes.stop()
    before = await notes.rows(LOG), await notes.rows(STREAMS)
    await notes.rows("DELETE FROM events WHERE version = 2")
    await notes.rows("UPDATE published SET witness = NULL, next_offset = 0")
    await notes.start()
    await until(notes.ready, what="readiness")
    assert (await notes.rows(LOG), await notes.rows(STREAMS)) == before
    assert (await notes.chat("Agora"))["version"] == 4
    await notes.published()
    assert await notes.versions(4) == [1, 2, 3, 4]


async def _erased(notes: Notes) -> None:
    headers = notes.issuer.bearer("olga", "operator")
    asked = {"person_id": "ana", "reason": "she asked"}
    answer = await notes.http.post("/api/operate/people/erase", json=asked, headers=headers)
    assert answer.status_code == 200, answer.text

    async def done() -> bool:
        return await notes.rows("SELECT FROM erased_people WHERE done_at IS NULL") == []

    await until(lambda: _begun(notes), what="the erasure")
    await until(done, within=60, what="the end of the erasure")


async def _begun(notes: Notes) -> bool:
    return bool(await notes.rows("SELECT FROM erased_people"))


async def test_who_was_erased_since_the_backup_is_erased_again_before_any_command(
    notes: Notes, tmp_path: Path
) -> None:
    file = tmp_path / "erasures"
    await notes.chat("Palavras só para Ana")
    await notes.published()
    await notes.stop()
    backup = await back_up(notes.url)
    await notes.start(erasures_file=file)
    await until(notes.ready, what="readiness")
    await _erased(notes)
    answer = await notes.post("carlos", "/tickets/1002/chat", {"text": "Depois do apagamento"})
    assert answer.status_code == 201, answer.text
    await notes.published()
    await notes.stop()
    assert "ana" in file.read_text()
    await put_back(notes.url, backup)
    assert "Palavras só para Ana" in str(await notes.rows("SELECT data::text FROM events"))

    await notes.start(erasures_file=file)
    await until(notes.ready, within=60, what="readiness")
    told = await notes.chat("E adiante")
    left = str(await notes.rows("SELECT data::text FROM events"))
    assert "Palavras só para Ana" not in left
    assert "Depois do apagamento" in left, "what was said since is taken in again"
    assert told["version"] >= 3


async def test_the_file_of_erasures_tells_even_where_topics_were_put_back_too(
    notes: Notes, tmp_path: Path
) -> None:
    file = tmp_path / "erasures"
    await notes.chat("Palavras só para Ana")
    await notes.published()
    await notes.stop()
    remembering.write(file, "ana", datetime.now(UTC))
    remembering.write(file, "ana", datetime.now(UTC))
    assert list(erasures_file.read(file)) == ["ana"]
    await notes.start(erasures_file=file)
    await until(notes.ready, within=60, what="readiness")
    await notes.chat("E adiante")
    assert "Palavras só para Ana" not in str(await notes.rows("SELECT data::text FROM events"))


async def test_a_line_of_the_erasures_file_that_broke_off_takes_no_other_with_it(tmp_path: Path) -> None:
    file = tmp_path / "erasures"
    for person_id in ("ana", "bia"):
        remembering.write(file, person_id, datetime.now(UTC))
    # As a process leaves it that died while it wrote, in the middle of a letter of two bytes.
    file.write_bytes(file.read_bytes()[:-20] + "ã".encode()[:1])
    remembering.write(file, "carlos", datetime.now(UTC))
    assert list(erasures_file.read(file)) == ["ana", "carlos"]
    remembering.write(file, "bia", datetime.now(UTC))
    assert list(erasures_file.read(file)) == ["ana", "carlos", "bia"]


async def test_the_erasures_file_knows_when_somebody_was_erased_last(tmp_path: Path) -> None:
    file, first = tmp_path / "erasures", datetime.now(UTC)
    for moment in (first, first + timedelta(days=1), first):
        remembering.write(file, "ana", moment)
    assert erasures_file.read(file) == {"ana": first + timedelta(days=1)}
    assert len([*filter(None, file.read_text().splitlines())]) == 2, "the same is not written twice"


async def test_topics_of_a_broker_that_was_put_back_are_rewritten_again(notes: Notes) -> None:
    await notes.chat("Palavras só para Ana")
    await notes.published()
    await _erased(notes)
    await notes.stop()
    await make_anew(notes.settings, NOTES, partitions=PARTITIONS)
    await notes.start()

    async def begun_anew() -> bool:
        return len(await notes.rows("SELECT FROM jobs WHERE kind = 'erase'")) == 2

    async def done() -> bool:
        return await notes.rows("SELECT FROM erased_people WHERE done_at IS NULL") == []

    await until(begun_anew, within=60, what="another erasure")
    await until(done, within=60, what="its end")


async def _closed_for_long(notes: Notes) -> None:
    await world.publish(notes.settings, world.ticket("1001", status="closed"))

    async def closed() -> bool:
        return bool(await notes.rows("SELECT FROM tickets WHERE closed_since IS NOT NULL"))

    await until(closed, what="a closed ticket")
    await notes.rows("UPDATE tickets SET closed_since = now() - interval '13 months' RETURNING 1")


async def _retained(notes: Notes) -> None:
    answer = await notes.http.post(
        "/api/operate/people/retention",
        json={"months": 12, "reason": "our rule"},
        headers=notes.issuer.bearer("olga", "operator"),
    )
    assert answer.status_code == 200, answer.text
    await until(lambda: _retain_done(notes), within=60, what="the retention")
    await notes.published()


async def _retain_done(notes: Notes) -> bool:
    return bool(await notes.rows("SELECT FROM jobs WHERE kind = 'retain' AND finished_at IS NOT NULL"))


async def test_a_log_that_was_put_back_loses_again_what_went_by_rule_since_the_backup(
    notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clearing, "QUIET", timedelta(seconds=1))
    await notes.chat("Palavras de outrora")
    await notes.chat("Zarabatana")
    draft = await notes.http.put(
        "/api/notes/tickets/1001/drafts/message",
        json={"text_html": "<p>Rascunho de outrora</p>"},
        headers=notes.issuer.bearer("ana"),
    )
    assert draft.status_code == 200, draft.text
    await _closed_for_long(notes)
    await notes.published()
    await notes.stop()
    backup = await back_up(notes.url)
    await notes.start()
    await until(notes.ready, what="readiness")
    await _retained(notes)
    await notes.stop()
    before = await notes.rows("SELECT version, hash, data::text, openings::text FROM events ORDER BY version")
    assert "outrora" not in str(before)
    await put_back(notes.url, backup)
    assert "outrora" in str(await notes.rows("SELECT data::text FROM events"))

    await notes.start()
    await until(notes.ready, within=60, what="readiness")
    assert before == await notes.rows(
        "SELECT version, hash, data::text, openings::text FROM events ORDER BY version"
    )
    assert await notes.rows("SELECT FROM drafts") == []
    # The topic again, since nobody knows how far the job was; and what rows have lost on the disk.
    await until(lambda: _retain_done(notes), within=60, what="the retention once more")

    async def cleared() -> bool:
        return not await notes.rows("SELECT FROM leftovers")

    await until(cleared, within=60, what="files without them")
    connection = await asyncpg.connect(notes.url)
    try:
        assert await raw.in_tables(connection, ["Zarabatana", "Rascunho de outrora"]) == {}
    finally:
        await connection.close()


async def test_what_went_by_rule_goes_from_topics_of_a_broker_that_was_put_back_as_well(notes: Notes) -> None:
    await notes.chat("Palavras de outrora")
    await _closed_for_long(notes)
    await _retained(notes)
    await notes.stop()
    await notes.rows("UPDATE jobs SET name = 'before' RETURNING 1")
    await make_anew(notes.settings, NOTES, partitions=PARTITIONS)
    await notes.start()

    async def again() -> bool:
        found = await notes.rows("SELECT wish->>'again', finished_at IS NOT NULL FROM jobs")
        return found == [("true", True)]

    await until(again, within=60, what="the retention once more")
    await notes.published()
    [(replay,)] = await notes.rows("SELECT wish->>'correlation_id' FROM jobs")
    rewritten = await read_all(notes.settings, NOTES, count=2)
    assert {dict(each.headers)["ce_replayid"] for each in rewritten} == {str(replay).encode()}


@pytest.mark.parametrize(
    ("kind", "phase", "goes_on"),
    [
        *(("erase", None, None), ("erase", "log", "log"), ("erase", "topics", "people")),
        *(("retain", None, None), ("retain", "files", "topics")),
    ],
)
async def test_a_job_that_erases_begins_with_the_topics_anew_when_the_broker_was_put_back(
    notes: Notes, kind: str, phase: str | None, goes_on: str | None
) -> None:
    await notes.stop()
    connection = await asyncpg.connect(notes.url)
    try:
        await connection.execute(
            """
            INSERT INTO jobs (subject, kind, wish, person_id, name, reached, claim, finished_at) VALUES
                ('people', 'retain', '{}', 'olga', 'Olga', '{"phase": "files"}', NULL, now()),
                ('people', $1, '{}', 'olga', 'Olga',
                    jsonb_build_object('phase', $2::text, 'before', 7), gen_random_uuid(), NULL)
            """,
            *(kind, phase),
        )
        assert await anew.rewrite_again(connection)
        done, under_way = await connection.fetch("SELECT * FROM jobs ORDER BY id")
    finally:
        await connection.close()
    assert done["finished_at"] is not None, "one at a time"
    reached = json.loads(under_way["reached"])
    assert reached["phase"] == goes_on
    assert ("before" in reached) is (phase == goes_on), "what has not come to the topics is left as it is"
    assert (json.loads(under_way["wish"]), under_way["claim"]) == ({"again": True}, None)
