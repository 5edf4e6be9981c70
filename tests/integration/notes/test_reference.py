"""What others publish on itsm.*: taken in, refused into dead letters, removed by tombstones."""

import json
import resource
from datetime import UTC, datetime, timedelta

import pytest
from relato_contracts.envelope import Envelope, encode
from relato_contracts.presence import PersonPresent
from relato_contracts.topics import CATALOG, GROUPS, PEOPLE, TICKETS, Topic, dead_letters
from relato_runtime import kafka

from tests.integration.notes.conftest import Service, occurrence
from tests.support import world
from tests.support.topics import read_all
from tests.support.waiting import until


def raw(
    service: Service, value: bytes | None, headers: list[tuple[str, bytes | None]], key: bytes = b"2001"
) -> kafka.OutgoingRecord:
    return kafka.OutgoingRecord(service.settings.topic_prefix + TICKETS.name, key, value, headers)


async def test_bad_records_go_to_dead_letters_and_stop_nobody(service: Service) -> None:
    good = world.record(service.settings, world.ticket("2001"))
    assert good.value is not None
    headers = list(good.headers)

    def swapped(name: str, value: bytes | None) -> list[tuple[str, bytes | None]]:
        return [(key, value if key == name else old) for key, old in headers]

    bad = {
        "invalid-data": raw(service, b'{"ticket_id": ', headers),
        "unknown-type": raw(service, good.value, swapped("ce_type", b"other.TicketSaved.v1")),
        "unknown-version": raw(service, good.value, swapped("ce_type", b"itsm.TicketSaved.v9")),
        "null-header": raw(service, good.value, swapped("ce_id", None)),
        "bad-attribute": raw(service, good.value, swapped("ce_id", b"\xff\xfe")),
        "missing-attribute": raw(service, good.value, []),
        "key-mismatch": raw(service, good.value, headers, key=b"2002"),
    }
    await service.send(*bad.values(), good)

    async def worked_on() -> bool:
        answer = await service.post("carlos", "/tickets/2001/occurrences", occurrence())
        return answer.status_code == 201

    await until(worked_on, what="the ticket behind the bad records")
    letters = await until(lambda: _letters(service, len(bad)), what="all dead letters")
    assert letters == set(bad)
    records = await read_all(service.settings, dead_letters("notes"), count=len(bad))
    by_reason = {dict(record.headers)["relato_dead_reason"]: record for record in records}
    for reason, sent in bad.items():
        letter = by_reason[reason.encode()]
        assert (letter.key, letter.value) == (sent.key, sent.value), "byte for byte"
        assert list(letter.headers)[: len(sent.headers)] == list(sent.headers)


async def _letters(service: Service, count: int) -> set[str]:
    rows = await service.database.fetch("SELECT reason FROM dead_letters")
    return {row["reason"] for row in rows} if len(rows) >= count else set()


async def test_a_fact_on_another_facts_topic_is_refused(service: Service) -> None:
    key, value, headers = encode(world.person("ana"), Envelope(id="1", source="/itsm", time=world.OPENED_AT))
    await service.send(raw(service, value, list(headers), key))
    assert await until(lambda: _letters(service, 1)) == {"unknown-type"}


async def test_a_tombstone_removes(service: Service) -> None:
    await service.send(raw(service, None, [], key=b"1001"))

    async def gone() -> bool:
        answer = await service.post("carlos", "/tickets/1001/occurrences", occurrence())
        return answer.status_code == 404

    await until(gone, what="the ticket's removal")


async def test_tombstones_remove_groups_categories_and_origins(service: Service) -> None:
    """What names them is invalid from then on, and who may only be there by the group finds nothing."""
    path = "/tickets/1001/occurrences"

    async def removed(topic: Topic, key: str) -> None:
        name = service.settings.topic_prefix + topic.name
        await service.send(kafka.OutgoingRecord(name, key.encode(), None, []))

    for field, key in (("category_id", "cat-rede"), ("origin_id", "org-telefone")):
        assert (await service.post("carlos", path, occurrence(**{field: key}))).status_code == 201
        await removed(CATALOG, key)
        answer = await service.post("carlos", path, occurrence(**{field: key}))
        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.json()["errors"]] == [f"/{field}"]
    await removed(GROUPS, "redes")
    assert (await service.post("carlos", path, occurrence())).status_code == 404


async def test_a_ticket_that_comes_back_goes_on_where_its_stream_was(service: Service) -> None:
    await service.post("carlos", "/tickets/1001/occurrences", occurrence())
    await service.send(raw(service, None, [], key=b"1001"))
    await service.publish(world.ticket("1001"))
    answer = await service.post("carlos", "/tickets/1001/occurrences", occurrence())
    assert answer.json()["version"] == 2


async def test_a_person_who_left_may_do_nothing_any_more(service: Service) -> None:
    await service.publish(world.person("carlos", active=False))
    answer = await service.post("carlos", "/tickets/1001/occurrences", occurrence())
    assert answer.status_code == 404


async def test_a_bystander_on_a_ticket_does_not_keep_the_mail_of_its_responsible_back(
    service: Service,
) -> None:
    async def heard(ticket_id: str, *there: str) -> bool:
        """Whether what Ana says now is said to somebody who is there, once these people are as well."""
        soon = datetime.now(UTC) + timedelta(minutes=1)
        await service.publish(
            *(
                PersonPresent(ticket_id=ticket_id, person_id=each, state="viewing", until=soon)
                for each in there
            )
        )
        answer = await service.post("ana", f"/tickets/{ticket_id}/chat", {"text": "Alguém aí?"})
        assert answer.status_code == 201, answer.text
        of = (ticket_id, answer.json()["version"])
        fact = await service.database.fetchval(
            "SELECT data FROM events WHERE ticket_id = $1 AND version = $2", *of
        )
        return bool(json.loads(fact)["recipient_online"])

    await service.publish(
        world.group("redes", member_ids=("carlos", "davi")), world.ticket("1005", responsible_id=None)
    )
    assert not await heard("1001", "ana", "edu", "davi"), "a colleague looks, and Carlos does not know"
    assert await heard("1001", "carlos")
    assert not await heard("1005", "ana", "edu"), "who may only comment cannot answer"
    assert await heard("1005", "davi")


async def test_an_administrator_publishes_a_fact_as_it_stands_on_the_topic(service: Service) -> None:
    fact = world.person("zeca")
    body = fact.model_dump(mode="json")
    address = "/api/notes/itsm/people/zeca"
    admin = service.issuer.bearer("davi", "administrator")
    answer = await service.http.put(address, json=body, headers=admin)
    assert answer.status_code == 200, answer.text
    records = await read_all(service.settings, PEOPLE, count=7)
    assert sorted(record.key for record in records if record.key)[-1] == b"zeca"
    [published] = [record for record in records if record.key == b"zeca"]
    assert dict(published.headers)["ce_actor"] == b"davi", "who did it"


async def test_a_fact_with_unknown_fields_or_another_id_is_invalid(service: Service) -> None:
    admin = service.issuer.bearer("davi", "administrator")
    body = world.person("zeca").model_dump(mode="json")
    for address, sent in (
        ("/api/notes/itsm/people/zeca", body | {"shoe_size": 42}),
        ("/api/notes/itsm/people/outro", body),
        ("/api/notes/itsm/people/zeca", body | {"time_zone": "Mars/Olympus"}),
    ):
        answer = await service.http.put(address, json=sent, headers=admin)
        assert answer.status_code == 422, answer.text


@pytest.mark.parametrize(
    ("part", "source"),
    [("text", "{% for x in y %}"), ("subject", "{{ nome }}"), ("html", "{{ text | nothing }}")],
)
async def test_a_template_is_checked_when_it_is_saved(service: Service, part: str, source: str) -> None:
    template = world.template("t-251").model_dump(mode="json")
    template["variants"][0][part] = source
    answer = await service.http.put(
        "/api/notes/itsm/email-templates/t-251",
        json=template,
        headers=service.issuer.bearer("davi", "administrator"),
    )
    assert answer.status_code == 422, answer.text
    [error] = answer.json()["errors"]
    assert error["pointer"] == f"/variants/0/{part}"
    assert error["detail"].startswith("Line 1: ")


async def test_checking_a_template_computes_nothing_of_it(service: Service) -> None:
    template = world.template("t-251").model_dump(mode="json")
    template["variants"][0]["text"] = "{{ '%0999999999d' % 1 }}{{ 'x' | center(9999999999) }}"
    before = _most_memory()
    answer = await service.http.put(
        "/api/notes/itsm/email-templates/t-251",
        json=template,
        headers=service.issuer.bearer("davi", "administrator"),
    )
    assert answer.status_code == 200, "what it comes to is found out where it can be stopped"
    assert _most_memory() - before < 0.5, "a number of a thousand million digits was made"


def _most_memory() -> float:
    """The most that this process, and with it the service, has had so far: in GB of 10⁹ bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


async def test_only_administrators_publish(service: Service) -> None:
    body = world.person("zeca").model_dump(mode="json")
    for role in ((), ("operator",)):
        answer = await service.http.put(
            "/api/notes/itsm/people/zeca", json=body, headers=service.issuer.bearer("carlos", *role)
        )
        assert answer.status_code == 403
