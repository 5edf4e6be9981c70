"""What the notifier holds of somebody, by table and topic, before, while and after they are erased."""

from collections.abc import Mapping
from typing import Any

import pytest
from aiokafka.errors import TopicAuthorizationFailedError
from aiokafka.structs import TopicPartition
from relato_contracts.topics import NOTIFICATIONS
from relato_runtime.trimming import Trimmer

from tests.integration.notifier.conftest import Notifier
from tests.integration.notifier.test_erasing import rows
from tests.integration.notifier.test_trying import trial
from tests.support import stream
from tests.support.reaching import reaching
from tests.support.waiting import until


async def held(notifier: Notifier, person_id: str) -> tuple[dict[str, int], Any]:
    """What operators are told that there is, by table and topic, and how far the service is with it."""
    async with reaching(notifier.address) as client:
        answer = await client.get(
            f"/api/operate/holdings/notifier/{person_id}", headers=notifier.issuer.bearer("olga", "operator")
        )
    assert answer.status_code == 200, answer.text
    found = answer.json()
    return {each["name"]: each["number"] for each in found["items"] if each["number"]}, found["forgetting"]


async def test_outcomes_count_until_their_topic_is_cut_off_and_what_is_in_the_way_is_told(
    notifier: Notifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    await notifier.note(stream.recorded(visible_to_requester=True, notify_by_email=True))
    await notifier.mails(1, "accepted")
    await notifier.outcomes(1)
    assert await held(notifier, "ana") == ({"people": 1, "mails": 1, NOTIFICATIONS.name: 1}, None)

    async def refused(_trimmer: Trimmer, _before: Mapping[TopicPartition, int]) -> None:
        raise TopicAuthorizationFailedError(NOTIFICATIONS.name)

    async def somebody_else(*_given: object) -> set[str]:
        return {"a group of others"}

    monkeypatch.setattr(Trimmer, "read", somebody_else)
    with monkeypatch.context() as patch:
        patch.setattr(Trimmer, "give_up", refused)
        await notifier.erase("ana")

        async def told() -> bool:
            return bool((await held(notifier, "ana"))[1]["trouble"])

        await until(told, within=60, what="what is in the way")
        numbers, forgetting = await held(notifier, "ana")
        assert (numbers, forgetting["done"]) == ({NOTIFICATIONS.name: 1}, False)
        assert "TopicAuthorizationFailed" in forgetting["trouble"]

    async def done() -> bool:
        return bool((await held(notifier, "ana"))[1]["done"])

    await until(done, within=60, what="the topic without her address")
    numbers, forgetting = await held(notifier, "ana")
    assert (numbers, forgetting["trouble"]) == ({}, None)
    (left,) = forgetting["left"]
    assert (left["kind"], left["group"]) == ("not-read", "a group of others")
    assert left["topic"] == notifier.settings.topic_prefix + NOTIFICATIONS.name


async def test_test_mails_of_who_was_erased_go_and_those_of_others_stay(notifier: Notifier) -> None:
    for person in ("davi", "edu"):
        headers = {"Idempotency-Key": "one"}
        answer = await notifier.ask("POST", "/test-mails", person=person, json=trial(), headers=headers)
        assert answer.json()["outcome"] == "accepted", answer.text
    assert (await held(notifier, "davi"))[0] == {"people": 1, "test_mails": 1}
    await notifier.erase("davi")
    left = await rows(notifier)
    assert [each for each in ("davi@empresa.example", "Davi") if each in left] == []
    assert (await held(notifier, "davi"))[0] == {}
    kept = await notifier.database.fetch("SELECT person_id, recipient FROM test_mails")
    assert [tuple(row) for row in kept] == [("edu", "edu@empresa.example")]
