"""A person is erased from the log: what they said goes, the chain and the shape of the history stay."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from notes.privacy import anew, erasures, rewriting, withheld
from relato_contracts.envelope import decode
from relato_contracts.erasure import ERASED
from relato_contracts.itsm import PersonSaved, TicketSaved
from relato_contracts.notes import TextErased
from relato_contracts.people import PersonErased
from relato_contracts.topics import ERASURES, NOTES, PEOPLE, TICKETS, Topic

from tests.conftest import PARTITIONS
from tests.integration.notes.conftest import Service, occurrence
from tests.integration.notes.test_chain import chained
from tests.integration.notes.test_verify import read
from tests.support import world
from tests.support.topics import read_all
from tests.support.waiting import until

WORDS = ("Impressora da Zulmira", "Zulmira respondeu", "Bilhete da Zulmira", "rascunho da Zulmira")


@pytest.fixture
async def said(service: Service) -> Service:
    """Ana's ticket 1001 with her words and words to her; Carlos's words on Bia's ticket 1002."""
    service_of = service.post
    await service.publish(world.person("ana", name="Zulmira Prado", email="zulmira@empresa.example"))
    for person, path, body in (
        ("ana", "/tickets/1001/occurrences", occurrence(description_html=f"<p>{WORDS[0]}</p>")),
        ("ana", "/tickets/1001/messages", {"text_html": f"<p>{WORDS[1]}</p>"}),
        ("carlos", "/tickets/1001/chat", {"text": WORDS[2]}),
        ("carlos", "/tickets/1002/occurrences", occurrence(time_spent_minutes=7)),
    ):
        answer = await service_of(person, path, body, **{"Idempotency-Key": f"k-{person}-{path}"})
        assert answer.status_code == 201, answer.text
    draft = await service.http.put(
        "/api/notes/tickets/1001/drafts/message",
        json={"text_html": f"<p>{WORDS[3]}</p>"},
        headers=service.issuer.bearer("ana"),
    )
    assert draft.status_code == 200, draft.text
    return service


async def ask(service: Service, person_id: str, **wish: object) -> Any:
    answer = await service.http.post(
        "/api/operate/people/erase",
        json={"person_id": person_id, "reason": "she asked"} | wish,
        headers=service.issuer.bearer("olga", "operator"),
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def erased(service: Service, person_id: str) -> None:
    job = (await ask(service, person_id))["job"]

    async def done() -> bool:
        known = await read(service, "people/erasure")
        return bool(known["id"] == job and known["state"] == "done")

    await until(done, within=90, what="the erasure")


async def held(service: Service, person_id: str) -> dict[str, int]:
    items = (await read(service, f"holdings/notes/{person_id}"))["items"]
    return {each["name"]: each["number"] for each in items if each["number"]}


async def rows(service: Service) -> str:
    """All that the database says in any table, once Kafka has everything."""

    async def published() -> bool:
        return not await service.database.fetchval("SELECT count(*) FROM outbox")

    await until(published, what="an empty outbox")
    tables = await service.database.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    found: list[str] = []
    for (name,) in tables:
        every = await service.database.fetch(f"SELECT t::text FROM {name} AS t")  # ours
        found += [f"{name}: {row}" for (row,) in every]
    return "\n".join(found)


async def facts(service: Service, topic: Topic, count: int) -> list[Any]:
    records = await read_all(service.settings, topic, count=count)
    return [decode(each.key, each.value, each.headers)[1] for each in records]


async def test_a_dry_run_says_how_much_would_go_and_changes_nothing(said: Service) -> None:
    before = await rows(said)
    assert (await ask(said, "ana", dry_run=True))["job"] is None
    tables = {"events": 3, "drafts": 1, "idempotency_keys": 2, "people": 1}
    assert await held(said, "ana") == tables | {"relato.notes": 3, "itsm.people": 1, "itsm.tickets": 3}
    after = await rows(said)
    assert [word for word in WORDS if word not in after] == []
    assert before.count("\n") + 2 == after.count("\n"), "two lines of the audit"


async def test_words_and_name_go_from_the_log_and_the_chain_stays(said: Service) -> None:
    heads = {row["hash"] for row in await said.database.fetch("SELECT hash FROM events")}
    await erased(said, "ana")
    left = await rows(said)
    assert [word for word in (*WORDS, "Zulmira") if word in left] == []
    assert await held(said, "ana") == {}
    assert await chained(said.database, "1001") == 4
    assert heads < {row["hash"] for row in await said.database.fetch("SELECT hash FROM events")}
    salts = await said.database.fetch(
        "SELECT version FROM events WHERE ticket_id = '1001' AND salt IS NOT NULL"
    )
    assert [row["version"] for row in salts] == [4], "nobody can guess what stood there"
    assert "Cabo trocado" in left, "what Carlos wrote on Bia's ticket has nothing to do with it"
    data = json.loads(
        await said.database.fetchval("SELECT data FROM events WHERE ticket_id = '1001' AND version = 3")
    )
    assert (data["text"], data["author_name"], data["requester_id"]) == (ERASED, "Carlos", "ana")


async def test_the_ticket_says_what_was_erased_and_everybody_that_somebody_was(said: Service) -> None:
    await erased(said, "ana")
    fact = (await facts(said, NOTES, 5))[-1]
    assert isinstance(fact, TextErased)
    assert (fact.ticket_id, fact.versions, fact.anonymous) == ("1001", (1, 2, 3), (1, 2))
    assert (fact.cause, len(fact.subjects)) == ("request", 3)
    (person,) = await facts(said, ERASURES, 1)
    assert isinstance(person, PersonErased)
    assert (person.person_id, person.tickets) == ("ana", 1)


async def test_what_the_itsm_had_said_is_said_again_without_and_compacted_away(said: Service) -> None:
    await erased(said, "ana")
    people = [each for each in await facts(said, PEOPLE, 6) if each.person_id == "ana"]
    assert isinstance(people[-1], PersonSaved)
    assert {(each.name, each.email, each.active) for each in people} == {(ERASED, None, False)}
    tickets = [each for each in await facts(said, TICKETS, 3) if each.ticket_id == "1001"]
    assert isinstance(tickets[-1], TicketSaved)
    assert {(each.title, each.status) for each in tickets} == {(ERASED, "in-progress")}


async def test_an_erasure_sees_to_the_itsms_topics_again_where_a_broker_was_put_back_meanwhile(
    said: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewrite = rewriting.rewrite

    async def once_it_was_put_back(*given: Any) -> Any:
        monkeypatch.setattr(rewriting, "rewrite", rewrite)
        await said.publish(world.person("ana", name="Zulmira Prado"))  # as its topic had said
        await anew.rewrite_again(said.database)
        return await rewrite(*given)

    monkeypatch.setattr(rewriting, "rewrite", once_it_was_put_back)
    await erased(said, "ana")
    people = [each for each in await facts(said, PEOPLE, 6) if each.person_id == "ana"]
    assert {each.name for each in people} == {ERASED}
    everybody = await read_all(said.settings, ERASURES, count=1)
    assert len({dict(each.headers)["ce_id"] for each in everybody}) == 1, "it is the same fact"


async def test_who_reads_the_topic_from_its_new_beginning_finds_whole_tickets_and_nothing_erased(
    said: Service,
) -> None:
    await erased(said, "ana")
    records = await read_all(said.settings, NOTES, count=5)
    values = b"".join(each.value or b"" for each in records).decode()
    assert [word for word in (*WORDS, "Zulmira") if word in values] == []
    by_ticket: dict[bytes, list[int]] = {}
    for each in records:
        headers = dict(each.headers)
        by_ticket.setdefault(each.key or b"", []).append(int(headers["ce_streamversion"] or b"0"))
    assert by_ticket == {b"1001": [1, 2, 3, 4], b"1002": [1]}
    again = [each for each in records if each.key == b"1001"]
    assert all("ce_replayid" in dict(each.headers) for each in again)
    assert min(each.offset for each in again) >= 4, "offsets go on"
    answer = await said.post("carlos", "/tickets/1001/occurrences", occurrence())
    assert answer.status_code == 201
    (*_, last) = await read_all(said.settings, NOTES, count=6)
    assert "ce_replayid" not in dict(last.headers), "and so does the relay"


async def test_records_that_were_accepted_are_not_known_by_what_they_said_once_they_are_cut_off(
    said: Service,
) -> None:
    await said.database.executemany(
        "INSERT INTO accepted_records VALUES ($1, $2, 0, 'foreign', 'of what it said')",
        [(said.settings.topic_prefix + NOTES.name, partition) for partition in range(PARTITIONS)],
    )
    await erased(said, "ana")
    records = await read_all(said.settings, NOTES, count=5)
    rewritten = {each.partition for each in records if each.key == b"1001"}
    left = await said.database.fetch("SELECT partition FROM accepted_records")
    assert {row["partition"] for row in left} == set(range(PARTITIONS)) - rewritten


async def test_an_erasure_that_fails_on_its_way_lets_the_relay_go_on_and_is_done_in_the_end(
    said: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed: list[str] = []

    def fails_once(name: str) -> None:
        original = getattr(withheld, name)

        async def once(*given: Any) -> Any:
            if name not in failed:
                failed.append(name)
                raise OSError(f"{name} failed")
            return await original(*given)

        monkeypatch.setattr(withheld, name, once)

    for name in ("renewed", "following", "publish_again", "published"):
        fails_once(name)
    await erased(said, "ana")
    assert set(failed) == {"renewed", "following", "publish_again", "published"}
    assert await said.database.fetchval("SELECT count(*) FROM withheld") == 0
    records = await read_all(said.settings, NOTES, count=5)
    of_hers = [int(dict(each.headers)["ce_streamversion"] or b"0") for each in records if each.key == b"1001"]
    assert of_hers[:1] == [1]
    assert set(of_hers) == {1, 2, 3, 4}, "some may come twice, none is missing"
    assert not [word for word in WORDS for each in records if word.encode() in (each.value or b"")]


async def test_a_name_that_the_itsm_says_again_is_not_taken_in(said: Service) -> None:
    await erased(said, "ana")
    await said.publish(world.person("ana", name="Zulmira Prado"))
    assert "Zulmira" not in await rows(said)
    answer = await said.http.put(
        "/api/notes/itsm/people/ana",
        json=world.person("ana").model_dump(mode="json"),
        headers=said.issuer.bearer("davi", "administrator"),
    )
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "person-erased")


async def test_erasing_without_a_reason_or_while_another_is_under_way_changes_nothing(said: Service) -> None:
    answer = await said.http.post(
        "/api/operate/people/erase",
        json={"person_id": "ana", "reason": " "},
        headers=said.issuer.bearer("olga", "operator"),
    )
    assert answer.status_code == 422
    assert (await held(said, "ana"))["events"] == 3


async def retained(service: Service, asked: Mapping[str, object]) -> None:
    headers = service.issuer.bearer("olga", "operator")
    answer = await service.http.post("/api/operate/people/retention", json=dict(asked), headers=headers)
    job = answer.json()["job"]

    async def done() -> bool:
        known = await read(service, "people/retention")
        return bool(known["id"] == job and known["state"] == "done")

    await until(done, within=60, what="the retention")


async def test_what_was_said_on_a_ticket_that_has_been_closed_for_long_goes_and_names_stay(
    said: Service,
) -> None:
    await said.publish(world.ticket("1001", status="closed"), world.ticket("1002", status="closed"))
    await said.database.execute(
        "UPDATE tickets SET closed_since = now() - interval '13 months' WHERE ticket_id = '1001'"
    )
    asked = {"months": 12, "reason": "our rule"}
    operator = said.issuer.bearer("olga", "operator")
    tried = await said.http.post(
        "/api/operate/people/retention", json=asked | {"dry_run": True}, headers=operator
    )
    assert tried.json() == {"job": None, "dry_run": True, "tickets": 1, "events": 3, "drafts": 1}
    await retained(said, asked)
    left = await rows(said)
    assert [word for word in WORDS if word in left] == []
    assert "Zulmira Prado" in left
    assert "Cabo trocado" in left, "the other was closed lately"
    assert await chained(said.database, "1001") == 4
    facts_now = [each for each in await facts(said, NOTES, 5) if isinstance(each, TextErased)]
    assert [(each.ticket_id, each.cause, each.anonymous) for each in facts_now] == [("1001", "retention", ())]
    audit = (await read(said, "audit/notes"))["items"]
    assert [each["action"] for each in audit[:2]] == ["retain", "retain"]

    draft = await said.http.put(
        "/api/notes/tickets/1001/drafts/chat",
        json={"text": "Ainda um bilhete"},
        headers=said.issuer.bearer("ana"),
    )
    assert draft.status_code == 200, draft.text
    await retained(said, asked)
    assert "Ainda um bilhete" not in await rows(said)


async def test_a_ticket_is_closed_since_it_was_first_said_to_be(said: Service) -> None:
    async def since() -> object:
        return await said.database.fetchval("SELECT closed_since FROM tickets WHERE ticket_id = '1001'")

    assert await since() is None
    await said.publish(world.ticket("1001", status="closed"))
    first = await since()
    await said.publish(world.ticket("1001", status="closed", title="Outro"))
    assert await since() == first is not None
    await said.publish(world.ticket("1001", status="open"))
    assert await since() is None


async def test_who_is_erased_once_more_loses_what_came_since(said: Service) -> None:
    await erased(said, "ana")
    answer = await said.post("carlos", "/tickets/1001/chat", {"text": "Zulmira, ainda está aí?"})
    assert answer.status_code == 201
    await erased(said, "ana")
    assert "ainda está" not in await rows(said)
    assert await chained(said.database, "1001") == 6


async def test_who_is_being_erased_says_nothing_more_on_tickets_that_have_been_dealt_with(
    said: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    next_tickets, answers = erasures.tickets, []

    async def then_she_writes(connection: Any, person_id: str, after: str, limit: int) -> list[str]:
        if after:
            answers.append(await said.post("ana", "/tickets/1001/messages", {"text_html": "<p>Ainda eu</p>"}))
        return await next_tickets(connection, person_id, after, limit)

    monkeypatch.setattr(erasures, "tickets", then_she_writes)
    await erased(said, "ana")
    assert [each.status_code for each in answers] == [404]
    assert await held(said, "ana") == {}
    assert "Zulmira" not in await rows(said)
