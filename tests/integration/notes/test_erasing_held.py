"""What notes holds of somebody, by table and topic, before, while and after they are erased."""

from typing import Any

import pytest
from notes.privacy import restating, rewriting
from relato_contracts.erasure import ERASED
from relato_contracts.topics import PEOPLE, Topic

from tests.integration.notes.conftest import Service
from tests.integration.notes.test_erasing import erased, held, rows, said
from tests.integration.notes.test_verify import read
from tests.support.waiting import until

__all__ = ["said"]


async def test_what_is_held_is_listed_by_table_and_by_topic(said: Service) -> None:
    kinds = {each["name"]: each["kind"] for each in (await read(said, "holdings/notes/ana"))["items"]}
    assert {name for name, kind in kinds.items() if kind == "topic"} == {
        *("relato.notes", "relato.notes.dead-letters", "itsm.people", "itsm.tickets"),
    }


async def test_records_count_until_their_topic_is_rewritten_though_rows_have_gone(
    said: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[dict[str, int]] = []

    def counting(module: Any, name: str) -> None:
        original = getattr(module, name)

        async def first_counted(*given: Any) -> Any:
            counted.append(await held(said, "ana"))
            return await original(*given)

        monkeypatch.setattr(module, name, first_counted)

    counting(restating, "restate")
    counting(rewriting, "rewrite")
    await erased(said, "ana")
    before, between = counted
    assert before == {"relato.notes": 3, "itsm.people": 1, "itsm.tickets": 3}
    assert between == {"relato.notes": 3}, "the ITSM's are compacted"
    assert await held(said, "ana") == {}
    answer = await said.post("carlos", "/tickets/1001/chat", {"text": "Zulmira, ainda está aí?"})
    assert answer.status_code == 201
    assert await held(said, "ana") == {"events": 1, "relato.notes": 1}, "what was said since"


async def test_a_topic_that_was_not_compacted_counts_until_somebody_is_erased_once_more(
    said: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:

        async def in_vain(*_given: Any) -> list[Topic]:
            return [PEOPLE]

        patch.setattr(restating, "restate", in_vain)
        await erased(said, "ana")
    assert await held(said, "ana") == {"itsm.people": 1}
    forgetting = (await read(said, "holdings/notes/ana"))["forgetting"]
    assert (forgetting["done"], forgetting["trouble"]) == (True, None)
    assert [(each["kind"], each["topic"]) for each in forgetting["left"]] == [
        ("not-compacted", said.settings.topic_prefix + PEOPLE.name)
    ]
    await erased(said, "ana")
    assert await held(said, "ana") == {}
    assert (await read(said, "holdings/notes/ana"))["forgetting"]["left"] == []


async def test_who_is_erased_is_named_nowhere_as_an_operator_either(said: Service) -> None:
    tried = {"person_id": "bia", "reason": "Otto Quandt asked for it", "dry_run": True}
    for person, wish in (("otto", tried), ("olga", tried | {"reason": "Olga asked for it"})):
        answer = await said.http.post(
            "/api/operate/people/erase", json=wish, headers=said.issuer.bearer(person, "operator")
        )
        assert answer.status_code == 200, answer.text
    operator = said.issuer.bearer("otto", "operator")
    verified = await said.http.post("/api/operate/events/verify", json={"reason": "Otto"}, headers=operator)
    assert verified.status_code == 200, verified.text

    async def verification() -> bool:
        return bool((await read(said, "events/verification"))["state"] == "done")

    await until(verification, within=60, what="the verification")
    assert {name: (await held(said, "otto")).get(name) for name in ("operations", "jobs")} == {
        "operations": 2,
        "jobs": 1,
    }
    await erased(said, "otto")
    assert "Otto" not in await rows(said)
    audit = (await read(said, "audit/notes"))["items"]
    hers = [each for each in audit if each["person_id"] == "otto"]
    assert {(each["name"], each["reason"]) for each in hers} == {(ERASED, ERASED)}
    assert [each["action"] for each in hers] == ["verify", "erase"], "what was done stays"
    assert "Olga asked for it" in {each["reason"] for each in audit}
    assert (await read(said, "events/verification"))["name"] == ERASED
