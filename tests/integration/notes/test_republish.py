"""Events are published once more: after a loss to their topic, or to another for whoever asked for it."""

from itertools import pairwise
from typing import Any

from aiokafka.structs import ConsumerRecord
from relato_contracts.topics import NOTES, Topic
from relato_runtime import kafka

from tests.integration.notes.conftest import Service
from tests.integration.notes.test_verify import TICKETS, add, history, operate, read, verified
from tests.support.topics import read_all
from tests.support.waiting import until

ELSEWHERE = Topic("somebody.notes", {}, False, "Of a consumer of its own.")


async def republished(service: Service, **wish: object) -> Any:
    begun = await operate(service, "republish", **wish)

    async def done() -> bool:
        said = await read(service, "events/republication")
        return bool(said["id"] == begun["job"] and said["state"] == "done")

    await until(done, within=60, what="an end of the replay")
    return begun


def headers(record: "ConsumerRecord[bytes | None, bytes | None]") -> dict[str, str]:
    return {name: (raw or b"").decode() for name, raw in record.headers}


async def test_what_the_topic_lost_is_published_again_and_says_that_it_is_a_replay(service: Service) -> None:
    await history(service)
    lost = TICKETS[0]
    await add(service, lost, 4, 5)
    found = await verified(service)
    assert found["numbers"] == {"missing": 2}
    tried = await operate(service, "republish", ticket_id=lost, dry_run=True)
    assert (tried["job"], tried["records"], tried["mails"]) == (None, 5, 0)
    assert tried["consumers"] == []
    assert len(await read_all(service.settings, NOTES, count=36)) == 36

    begun = await republished(service, ticket_id=lost, reason="lost two")
    records = await read_all(service.settings, NOTES, count=41)
    again = [each for each in records if "ce_replayid" in headers(each)]
    assert {headers(each)["ce_replayid"] for each in again} == {begun["replay_id"]}
    assert [headers(each)["ce_streamversion"] for each in again] == ["1", "2", "3", "4", "5"]
    originals = {(each.key, headers(each)["ce_streamversion"]): each for each in records if each not in again}
    for each in again[:3]:
        before = originals[each.key, headers(each)["ce_streamversion"]]
        ours = {"ce_replayid", "relato-request"}
        assert each.value == before.value
        assert {k: v for k, v in headers(each).items() if k not in ours} == {
            k: v for k, v in headers(before).items() if k not in ours
        }
    assert (await verified(service))["numbers"] == {}
    last = (await read(service, "audit/notes"))["items"][1]
    assert (last["action"], last["reason"]) == ("republish", "lost two")
    assert last["target"] == f"{lost} to {service.settings.topic_prefix}relato.notes"


async def test_another_topic_gets_what_was_chosen_and_no_other_topic_of_ours_does(service: Service) -> None:
    await history(service)
    topic = service.settings.topic_prefix + ELSEWHERE.name
    for to, reason in (
        (topic, "There is no topic"),
        ("relato.presence", "carries other facts"),
        ("v3.relato.notifications", "carries other facts"),
    ):
        refused = await service.http.post(
            "/api/operate/events/republish",
            json={"to": to},
            headers=service.issuer.bearer("olga", "operator"),
        )
        assert (refused.status_code, reason in refused.json()["detail"]) == (409, True)
    await kafka.create_topics(service.settings, [ELSEWHERE], partitions=1)
    since, until_ = [
        row["recorded_at"].isoformat()
        for row in await service.database.fetch(
            "SELECT recorded_at FROM events WHERE ticket_id = ANY($1) AND version IN (1, 2) ORDER BY seq",
            TICKETS[3:4],
        )
    ]
    await republished(
        service,
        to=topic,
        type="relato.OccurrenceRecorded.v1",
        since=since,
        until=until_,
        rate=1,
    )
    records = await read_all(service.settings, ELSEWHERE, count=1)
    assert [(each.key, headers(each)["ce_streamversion"]) for each in records] == [(TICKETS[3].encode(), "1")]
    assert len(await read_all(service.settings, NOTES, count=36)) == 36


async def test_a_replay_is_not_faster_than_it_was_asked_to_be(service: Service) -> None:
    await history(service)
    await kafka.create_topics(service.settings, [ELSEWHERE], partitions=1)
    topic = service.settings.topic_prefix + ELSEWHERE.name
    await republished(service, to=topic, ticket_id=TICKETS[0], rate=1)
    records = await read_all(service.settings, ELSEWHERE, count=3)
    times = [each.timestamp for each in records]  # the broker's
    assert [later - earlier >= 900 for earlier, later in pairwise(times)] == [True, True]
    known = await read(service, "events/republication")
    assert (known["done"], known["seconds_left"]) == (3, None)
    assert 0 < known["rate"] <= 1.5
