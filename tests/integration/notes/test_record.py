"""Commands over HTTP: what is answered, what is logged, and what Kafka gets."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from relato_contracts import itsm
from relato_contracts.envelope import decode
from relato_contracts.notes import OccurrenceRecorded
from relato_contracts.topics import NOTES

from tests.integration.notes.conftest import Service, occurrence
from tests.support import world
from tests.support.topics import read_all

OCCURRENCES = "/tickets/1001/occurrences"


async def test_an_occurrence_is_answered_logged_and_published(service: Service) -> None:
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = await service.post(
        "carlos",
        OCCURRENCES,
        occurrence(visible_to_requester=True, notify_by_email=True, channel="execution"),
        traceparent=traceparent,
    )
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["ticket_id"] == "1001"
    assert body["version"] == 1
    assert body["notification"] == "planned"
    (record,) = await read_all(service.settings, NOTES, count=1)
    envelope, fact = decode(record.key, record.value, record.headers)
    assert isinstance(fact, OccurrenceRecorded)
    assert record.key == b"1001"
    assert fact.occurrence_id == UUID(body["occurrence_id"])
    assert (envelope.stream_version, envelope.actor, envelope.source) == (1, "carlos", "/relato/notes")
    assert envelope.traceparent is not None
    assert envelope.traceparent.split("-")[1] == traceparent.split("-")[1]
    logged = await service.database.fetchval("SELECT data::text FROM events")
    assert logged.encode() == record.value, "the log holds the very bytes that Kafka has"


async def test_all_facts_of_a_ticket_are_published_in_order(service: Service) -> None:
    posts = [service.post("carlos", "/tickets/1001/chat", {"text": f"Linha {n}"}) for n in range(60)]
    answers = await asyncio.gather(*posts)
    assert {answer.status_code for answer in answers} == {201}
    assert sorted(answer.json()["version"] for answer in answers) == list(range(1, 61))
    records = await read_all(service.settings, NOTES, count=60)
    versions = [decode(each.key, each.value, each.headers)[0].stream_version for each in records]
    assert versions == list(range(1, 61))


async def test_the_same_key_and_body_is_answered_as_before_and_done_once(service: Service) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    body = occurrence()
    first = await service.post("carlos", OCCURRENCES, body, **key)
    reordered = dict(reversed(body.items()))
    again = await service.post("carlos", OCCURRENCES, reordered, **key)
    assert (again.status_code, again.json()) == (201, first.json())
    assert await service.database.fetchval("SELECT count(*) FROM events") == 1


async def test_simultaneous_requests_with_one_key_happen_once(service: Service) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    body = occurrence()
    answers = await asyncio.gather(*(service.post("carlos", OCCURRENCES, body, **key) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert await service.database.fetchval("SELECT count(*) FROM events") == 1


async def test_the_same_key_with_another_body_or_address_is_invalid(service: Service) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    body = occurrence()
    await service.post("carlos", OCCURRENCES, body, **key)
    for path, other in ((OCCURRENCES, occurrence(time_spent_minutes=7)), ("/tickets/1002/occurrences", body)):
        answer = await service.post("carlos", path, other, **key)
        assert answer.status_code == 422, answer.text
    assert await service.database.fetchval("SELECT count(*) FROM events") == 1


async def test_one_key_on_two_tickets_at_once_happens_once(service: Service) -> None:
    body = {"text": "Oi"}
    for _ in range(10):
        key = {"Idempotency-Key": str(uuid4())}
        answers = await asyncio.gather(
            service.post("carlos", "/tickets/1001/chat", body, **key),
            service.post("carlos", "/tickets/1002/chat", body, **key),
        )
        assert sorted(answer.status_code for answer in answers) == [201, 422]
    assert await service.database.fetchval("SELECT count(*) FROM events") == 10


async def test_what_groups_may_do_on_tickets_of_others_is_theirs_to_do(service: Service) -> None:
    assert (await service.post("olga", OCCURRENCES, occurrence())).status_code == 404
    may = itsm.GroupPermission(group_id="redes", may=("comment",))
    await service.publish(world.group("fora", member_ids=("olga",), permissions=(may,)))
    assert (await service.post("olga", OCCURRENCES, occurrence())).status_code == 201
    assert (await service.post("olga", "/tickets/1001/chat", {"text": "Oi"})).status_code == 403
    may = itsm.GroupPermission(group_id="redes", may=("execute",))
    await service.publish(world.group("fora", member_ids=("olga",), permissions=(may,)))
    assert (await service.post("olga", "/tickets/1001/chat", {"text": "Oi"})).status_code == 201


async def test_whoever_requests_a_ticket_of_their_own_group_records_in_the_portal(service: Service) -> None:
    await service.publish(world.ticket("1005", requester_id="carlos"))
    answer = await service.post("carlos", "/tickets/1005/occurrences", occurrence(channel="portal"))
    assert answer.status_code == 201, answer.text
    assert answer.json()["notification"] == "planned", "whoever executes the ticket is told"
    (record,) = await read_all(service.settings, NOTES, count=1)
    _, fact = decode(record.key, record.value, record.headers)
    assert isinstance(fact, OccurrenceRecorded)
    assert (fact.channel, fact.visible_to_requester, fact.by_requester) == ("portal", True, True)


async def test_who_is_not_known_yet_is_not_said_to_have_no_address(service: Service) -> None:
    """The notifier waits for them, and mails once they are there."""
    await service.publish(
        world.ticket("1006", requester_id="zoe"), world.ticket("1007", responsible_id="zoe"),
        world.ticket("1008", responsible_id=None),
    )  # fmt: skip
    told = occurrence(visible_to_requester=True, notify_by_email=True)

    async def answered() -> list[str]:
        posts = [
            service.post("carlos", "/tickets/1006/occurrences", told),
            service.post("ana", "/tickets/1007/occurrences", occurrence(channel="portal")),
            service.post("ana", "/tickets/1008/occurrences", occurrence(channel="portal")),
        ]
        return [(await post).json()["notification"] for post in posts]

    assert await answered() == ["planned"] * 3
    await service.publish(world.person("zoe", email=None), world.group(emails=()))
    assert await answered() == ["no-address"] * 3


async def test_a_category_or_origin_that_has_not_come_yet_is_invalid_until_it_has(service: Service) -> None:
    given = occurrence(category_id="cat-nova", origin_id="org-nova")
    early = await service.post("carlos", OCCURRENCES, given)
    assert (early.status_code, early.headers["content-type"]) == (422, "application/problem+json")
    assert early.json()["type"].endswith("/invalid")
    assert {each["pointer"] for each in early.json()["errors"]} == {"/category_id", "/origin_id"}
    await service.publish(
        itsm.CategorySaved(category_id="cat-nova", name="Nova", active=True),
        itsm.OriginSaved(origin_id="org-nova", name="Nova", active=True),
    )
    assert (await service.post("carlos", OCCURRENCES, given)).status_code == 201


async def test_keys_of_different_people_have_nothing_to_do_with_each_other(service: Service) -> None:
    key = {"Idempotency-Key": "mine"}
    one = await service.post("carlos", "/tickets/1001/chat", {"text": "Oi"}, **key)
    other = await service.post("ana", "/tickets/1001/chat", {"text": "Oi"}, **key)
    assert (one.json()["version"], other.json()["version"]) == (1, 2)


async def test_the_recorded_date_is_ours_and_never_runs_backwards(service: Service) -> None:
    """Clocks are set back, and one machine's is behind another's."""
    await service.post("carlos", OCCURRENCES, occurrence())
    ahead = await service.database.fetchval(
        "UPDATE streams SET recorded_at = recorded_at + interval '1 hour' WHERE ticket_id = '1001'"
        " RETURNING recorded_at"
    )
    await service.post("carlos", OCCURRENCES, occurrence())
    recorded = await service.database.fetch("SELECT recorded_at FROM events ORDER BY version")
    assert recorded[0]["recorded_at"] < ahead
    assert recorded[1]["recorded_at"] == ahead


async def test_the_group_that_executes_a_ticket_now_records_on_it(service: Service) -> None:
    assert (await service.post("carlos", OCCURRENCES, occurrence())).status_code == 201
    assert (await service.post("olga", OCCURRENCES, occurrence())).status_code == 404
    await service.publish(world.ticket("1001", group_id="fora", responsible_id=None))
    assert (await service.post("carlos", OCCURRENCES, occurrence())).status_code == 404
    assert (await service.post("olga", OCCURRENCES, occurrence())).status_code == 201


async def test_parameters_262_and_263_fix_nothing_while_they_name_what_is_retired(service: Service) -> None:
    async def recorded() -> tuple[str | None, str | None]:
        given = occurrence(channel="portal", visible_to_requester=True)
        answer = await service.post("ana", OCCURRENCES, given)
        assert answer.status_code == 201, answer.text
        data = await service.database.fetchval(
            "SELECT data::text FROM events WHERE version = $1", answer.json()["version"]
        )
        fact = json.loads(data)
        return fact.get("category_id"), fact.get("origin_id")

    await service.publish(
        itsm.OriginSaved(origin_id="org-antiga", name="Antiga", active=False),
        *(world.parameter(262, "cat-antiga"), world.parameter(263, "org-antiga")),
    )
    assert await recorded() == (None, None)
    await service.publish(world.parameter(262, "cat-rede"), world.parameter(263, "org-telefone"))
    assert await recorded() == ("cat-rede", "org-telefone")


async def test_a_refused_command_leaves_its_neighbours_alone(service: Service) -> None:
    good = [service.post("carlos", OCCURRENCES, occurrence()) for _ in range(10)]
    bad = [service.post("carlos", "/tickets/1003/occurrences", occurrence()) for _ in range(10)]
    answers = await asyncio.gather(*(each for pair in zip(good, bad, strict=True) for each in pair))
    assert [answer.status_code for answer in answers] == [201, 409] * 10


_WRONG: tuple[tuple[dict[str, object], str], ...] = (
    ({"time_spent_minutes": True}, "/time_spent_minutes"),
    ({"time_spent_minutes": -1}, "/time_spent_minutes"),
    ({"time_spent_minutes": 1.5}, "/time_spent_minutes"),
    ({"time_spent_minutes": 525_601}, "/time_spent_minutes"),
    ({"description_html": "<p>" + "x" * 65_536}, "/description_html"),
    ({"description_html": "a\0b"}, "/description_html"),
    ({"description_html": "<p></p>"}, "/description_html"),
    ({"occurred_at": "2026-11-24T10:00:00"}, "/occurred_at"),
    ({"occurred_at": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}, "/occurred_at"),
    ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "/occurred_at"),
    ({"visible_to_requester": "yes"}, "/visible_to_requester"),
    ({"notify_by_email": True}, "/notify_by_email"),
    ({"category_id": "cat-antiga"}, "/category_id"),
    ({"origin_id": "nenhuma"}, "/origin_id"),
    ({"channel": "fax"}, "/channel"),
    ({"unknown": 1}, "/unknown"),
)


async def test_what_is_wrong_is_said_field_by_field_and_nothing_changes(
    service: Service, subtests: pytest.Subtests
) -> None:
    for changes, pointer in _WRONG:
        with subtests.test(changes=str(changes)):
            answer = await service.post("carlos", OCCURRENCES, occurrence(**changes))
            assert answer.status_code == 422
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["type"].endswith("/invalid")
            assert pointer in {error["pointer"] for error in answer.json()["errors"]}
            assert await service.database.fetchval("SELECT count(*) FROM events") == 0


async def test_an_address_is_looked_at_once_it_is_known_who_asks(service: Service) -> None:
    path = "/tickets/10%2001/occurrences/none/retraction"
    unknown = await service.http.post(f"/api/notes{path}", json={"reason": "Engano."})
    assert unknown.status_code == 401
    answer = await service.post("carlos", path, {"reason": "Engano."})
    assert answer.status_code == 422
    wrong = {each["pointer"]: each["detail"] for each in answer.json()["errors"]}
    assert set(wrong) == {"/path/ticket_id", "/path/occurrence_id"}
    assert "pattern" in wrong["/path/ticket_id"]
    assert "UUID" in wrong["/path/occurrence_id"]


async def test_each_refusal_has_its_status_and_type(service: Service) -> None:
    async def refusal(person: str, path: str, body: Mapping[str, object]) -> tuple[int, str]:
        answer = await service.post(person, path, body)
        return answer.status_code, answer.json()["type"].rpartition("/")[2]

    note = occurrence()
    assert await refusal("carlos", "/tickets/9999/occurrences", note) == (404, "ticket-not-found")
    assert await refusal("olga", OCCURRENCES, note) == (404, "ticket-not-found")
    assert await refusal("nobody", OCCURRENCES, note) == (404, "ticket-not-found")
    assert await refusal("carlos", "/tickets/1003/occurrences", note) == (409, "ticket-closed")
    assert await refusal("ana", "/tickets/1004/occurrences", note) == (403, "not-permitted")
    assert await refusal("edu", "/tickets/1001/chat", {"text": "Oi"}) == (403, "not-permitted")
    unknown = f"{OCCURRENCES}/{uuid4()}/retraction"
    assert await refusal("carlos", unknown, {"reason": "x"}) == (404, "occurrence-not-found")
    switched: tuple[tuple[int, str, Mapping[str, object], str], ...] = (
        (298, OCCURRENCES, note, "occurrences-disabled"),
        (299, "/tickets/1001/messages", {"text_html": "Oi"}, "messages-disabled"),
        (316, "/tickets/1001/chat", {"text": "Oi"}, "chat-disabled"),
    )
    for number, path, body, code in switched:
        await service.publish(world.parameter(number, "N"))
        assert await refusal("carlos", path, body) == (409, code)


async def test_corrections_carry_the_version_they_saw(service: Service) -> None:
    recorded = (await service.post("carlos", OCCURRENCES, occurrence())).json()
    path = f"{OCCURRENCES}/{recorded['occurrence_id']}"
    first = {"description_html": "<p>Um</p>", "reason": "Engano"}
    answer = await service.post("carlos", f"{path}/corrections", first, **{"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["version"]) == (201, 2)
    late = {"description_html": "<p>Dois</p>", "reason": "Engano"}
    answer = await service.post("carlos", f"{path}/corrections", late, **{"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (412, "version-conflict")
    changes: tuple[tuple[str, Mapping[str, object]], ...] = (
        ("solution", {"solution_html": "<p>Pronto</p>", "time_spent_minutes": 3}),
        ("visibility", {"visible_to_requester": True, "notify_by_email": True, "reason": "Pediu"}),
        ("retraction", {"reason": "Outro chamado"}),
    )
    for ending, body in changes:
        answer = await service.post("carlos", f"{path}/{ending}", body)
        assert answer.status_code == 201, answer.text
    answer = await service.post("carlos", f"{path}/retraction", {"reason": "De novo"})
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "already-retracted")


async def test_a_new_ticket_can_be_worked_on_as_soon_as_it_was_published(service: Service) -> None:
    await service.publish(world.ticket("2001"))
    answer = await service.post("carlos", "/tickets/2001/occurrences", occurrence())
    assert answer.status_code == 201, answer.text


async def test_a_view_that_shows_nothing_new_makes_no_fact(service: Service) -> None:
    await service.post("carlos", "/tickets/1001/messages", {"text_html": "Oi"})
    first = await service.post("ana", "/tickets/1001/views", {"up_to_version": 1})
    again = await service.post("ana", "/tickets/1001/views", {"up_to_version": 1})
    assert (first.status_code, first.json()["version"]) == (201, 2)
    assert (again.status_code, again.json()["version"]) == (200, 2)


async def test_the_database_away_is_503_and_comes_back(service: Service) -> None:
    async def cut() -> None:
        await service.database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    await service.post("carlos", OCCURRENCES, occurrence())
    key = {"Idempotency-Key": str(uuid4())}
    body = occurrence()
    await cut()
    answer = await service.post("carlos", OCCURRENCES, body, **key)
    while answer.status_code == 503:
        assert answer.headers["retry-after"]
        answer = await service.post("carlos", OCCURRENCES, body, **key)
    assert answer.status_code == 201
    assert await service.database.fetchval("SELECT count(*) FROM events") == 2
    records = await read_all(service.settings, NOTES, count=2)
    published = {decode(each.key, each.value, each.headers)[0].stream_version for each in records}
    assert published == {1, 2}
    assert answer.json()["version"] == 2
