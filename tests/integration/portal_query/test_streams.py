"""Live updates: what is new comes by itself, and nothing is lost when a connection is."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import pytest
from relato_contracts.envelope import decode
from relato_contracts.presence import PersonPresent
from relato_contracts.topics import PRESENCE

from tests.integration.portal_query.conftest import Portal
from tests.support import world
from tests.support.projection import (
    accepted,
    chatted,
    corrected,
    messaged,
    recorded,
    rejected,
    release,
    retracted,
    solved,
    viewed,
    visibility,
)
from tests.support.topics import read_all
from tests.support.waiting import until

DESK, MINE = "/tickets/1001", "/my/requests/1001"


@pytest.fixture
def presence_prefix(topic_prefix: str) -> str:
    return topic_prefix


async def test_executors_are_told_when_what_is_held_back_is_shown(portal: Portal) -> None:
    stream, mine = (
        await portal.stream("carlos", DESK + "/stream"),
        await portal.stream("ana", MINE + "/stream"),
    )
    fact = recorded(release=release())
    await portal.history.tell(fact)
    assert (await stream.next("entry")).data["release_at"]
    await portal.history.tell(visibility(fact, True, reason="shown", release_outcome="shown"))
    entries = [(await stream.next("entry")).data for _ in range(2)]
    assert {each.get("release_outcome") for each in entries if each["kind"] == "action"} == {"shown"}
    (shown,) = [each for each in entries if each["kind"] == "occurrence"]
    assert ("release_at" in shown, shown["visible_to_requester"]) == (False, True)
    assert (await mine.next("entry")).data["version"] == 2, "the requester hears of the showing alone"
    await stream.close()
    await mine.close()


async def test_executors_are_told_of_everything_new(portal: Portal) -> None:
    await portal.history.tell(recorded())
    stream = await portal.stream("carlos", DESK + "/stream")
    assert (await stream.next("presence")).data == {"people": []}
    fact = recorded(description_html="<p>Nova</p>")
    await portal.history.tell(fact)
    entry = await stream.next("entry")
    assert (entry.data["version"], entry.data["description_html"]) == (2, "<p>Nova</p>")
    assert entry.data == (await portal.entries("carlos", DESK + "/history"))[0]
    await portal.history.tell(chatted(), messaged())
    assert [(await stream.next("entry")).data["kind"] for _ in range(2)] == ["chat", "message"]
    await portal.history.tell(world.ticket("1001", status="resolved"))
    assert (await stream.next("entry")).data["action"] == "status-changed"
    await portal.history.tell(accepted(fact.occurrence_id, portal.history.now))
    mail = (await stream.next("mail")).data
    assert (mail["state"], mail["subject_id"]) == ("accepted", str(fact.occurrence_id))
    await stream.close()


async def test_an_occurrence_that_changed_comes_as_it_now_stands(portal: Portal) -> None:
    fact = recorded()
    await portal.history.tell(fact)
    stream = await portal.stream("carlos", DESK + "/stream")
    await stream.next("presence")
    await portal.history.tell(corrected(fact))
    changed, action = (await stream.next("entry")).data, (await stream.next("entry")).data
    assert (changed["occurrence_id"], changed["corrected"], changed["version"]) == (
        str(fact.occurrence_id), True, 2,
    )  # fmt: skip
    assert action["action"] == "occurrence-corrected"
    await stream.close()


async def test_a_client_that_comes_back_gets_what_it_missed_once(portal: Portal) -> None:
    stream = await portal.stream("carlos", DESK + "/stream")
    await stream.next("presence")
    await portal.history.tell(chatted())
    last = await stream.next("entry")
    await stream.close()
    mail = accepted(recorded().occurrence_id, portal.history.now)
    await portal.history.tell(*(chatted() for _ in range(120)), viewed(3), messaged(), mail)
    stream = await portal.stream("carlos", DESK + "/stream", **{"Last-Event-ID": last.id})
    versions = [(await stream.next("entry")).data["version"] for _ in range(121)]
    assert versions == [*range(2, 122), 123]
    await stream.close()


async def test_a_client_says_which_version_it_knows(portal: Portal) -> None:
    await portal.history.tell(*(chatted() for _ in range(5)))
    for person, path in (("carlos", DESK), ("ana", MINE)):
        stream = await portal.stream(person, path + "/stream?after=3")
        assert [(await stream.next("entry")).data["version"] for _ in range(2)] == [4, 5]
        await stream.close()


async def test_the_outcome_of_a_mail_comes_late_all_the_same(portal: Portal) -> None:
    stream = await portal.stream("carlos", DESK + "/stream")
    await stream.next("presence")
    mail = accepted(recorded().occurrence_id, world.OPENED_AT)  # long ago, like all times in this world
    await portal.history.tell(mail)
    assert (await stream.next("mail")).data["state"] == "accepted"
    await portal.history.tell(rejected(mail, portal.history.now))
    assert (await stream.next("mail")).data["state"] == "rejected"
    await stream.close()


async def test_requesters_are_told_of_what_they_may_see(portal: Portal) -> None:
    stream = await portal.stream("ana", MINE + "/stream")
    assert (await stream.next("presence")).data == {"attendant": "gone"}
    shown = recorded(visible_to_requester=True)
    await portal.history.tell(recorded(), shown, chatted(), messaged(), corrected(shown))
    told = [(await stream.next("entry")).data for _ in range(3)]
    assert [(entry["kind"], entry["version"]) for entry in told] == [
        ("chat", 3), ("message", 4), ("occurrence", 5),
    ]  # fmt: skip
    last = stream.last_id
    await stream.close()
    await portal.history.tell(recorded(), chatted())
    stream = await portal.stream("ana", MINE + "/stream", **{"Last-Event-ID": last})
    assert (await stream.next("entry")).data["version"] == 7
    await stream.close()


async def test_requesters_are_told_that_what_they_saw_is_gone_and_of_nothing_else(portal: Portal) -> None:
    taken, hidden, back = (recorded(visible_to_requester=True) for _ in range(3))
    internal, undone, withheld = recorded(), recorded(release=release()), recorded(release=release())
    await portal.history.tell(taken, hidden, back, internal, undone, withheld)
    stream = await portal.stream("ana", MINE + "/stream?after=3")
    await portal.history.tell(retracted(taken))
    assert (await stream.next("gone")).data == {"occurrence_id": str(taken.occurrence_id)}
    last = stream.last_id
    await stream.close()
    await portal.history.tell(
        *(visibility(each, False) for each in (hidden, back)),
        *(retracted(hidden), visibility(back, True)),
        *(corrected(internal), retracted(internal)),
        *(visibility(undone, False, release_outcome="undone"), retracted(undone, release_outcome="undone")),
        *(visibility(withheld, False, release_outcome="withheld"), solved(withheld)),
        messaged(),
    )
    stream = await portal.stream("ana", MINE + "/stream", **{"Last-Event-ID": last})
    assert (await stream.next("gone")).data == {"occurrence_id": str(hidden.occurrence_id)}
    again = await stream.next("entry")
    assert (again.data["occurrence_id"], again.data["version"]) == (str(back.occurrence_id), 11)
    assert (await stream.next("entry")).data["kind"] == "message"
    await portal.history.tell(solved(hidden), visibility(back, False))
    assert (await stream.next("gone")).data == {"occurrence_id": str(back.occurrence_id)}
    told = "".join(stream.lines)
    assert not [each for each in (taken, internal, undone, withheld) if str(each.occurrence_id) in told]
    await stream.close()


async def test_where_chat_is_off_its_lines_are_not_told(portal: Portal) -> None:
    await portal.history.tell(world.parameter(316, "N"))
    for person, path in (("carlos", DESK), ("ana", MINE)):
        stream = await portal.stream(person, path + "/stream")
        await stream.next("presence")
        await portal.history.tell(chatted(), messaged())
        assert (await stream.next("entry")).data["kind"] == "message"
        await stream.close()


async def test_people_see_who_is_there_and_requesters_only_whether_somebody_is(portal: Portal) -> None:
    desk = await portal.stream("carlos", DESK + "/stream")
    mine = await portal.stream("ana", MINE + "/stream")
    await desk.next("presence")
    await mine.next("presence")
    assert (await portal.be_there("edu", DESK, "viewing")).status_code == 204
    assert (await desk.next("presence")).data == {
        "people": [{"id": "edu", "name": "Edu", "state": "viewing"}]
    }
    assert (await mine.next("presence")).data == {"attendant": "viewing"}
    await portal.be_there("edu", DESK, "writing")
    assert (await mine.next("presence")).data == {"attendant": "writing"}
    await portal.be_there("ana", MINE, "writing")
    people: list[object] = []
    while {"id": "ana", "name": "Ana", "state": "writing"} not in people:
        # What is said in quick succession is told once.
        people = (await desk.next("presence")).data["people"]
    await portal.be_there("edu", DESK, "gone")
    assert (await mine.next("presence")).data == {"attendant": "gone"}
    assert "edu" not in "".join(mine.lines).lower()
    await desk.close()
    await mine.close()


async def test_executors_are_told_how_far_the_requester_has_read(portal: Portal) -> None:
    stream = await portal.stream("carlos", DESK + "/stream")
    await stream.next("presence")
    await portal.history.tell(messaged(), viewed(1))
    seen = (await stream.next("seen")).data
    assert seen["up_to_version"] == 1 and seen["seen_at"]
    await stream.close()


async def test_that_somebody_writes_what_is_internal_is_internal(portal: Portal) -> None:
    desk = await portal.stream("edu", DESK + "/stream")
    mine = await portal.stream("ana", MINE + "/stream")
    await desk.next("presence")
    await mine.next("presence")
    await portal.be_there("carlos", DESK, "writing", for_team=True)
    assert (await desk.next("presence")).data["people"][0]["state"] == "writing"
    assert (await mine.next("presence")).data == {"attendant": "viewing"}
    await portal.be_there("carlos", DESK, "writing")
    assert (await mine.next("presence")).data == {"attendant": "writing"}
    await desk.close()
    await mine.close()


async def test_who_falls_silent_is_gone_after_a_while(portal: Portal) -> None:
    stream = await portal.stream("ana", MINE + "/stream")
    await stream.next("presence")
    await portal.be_there("carlos", DESK, "viewing")
    assert (await stream.next("presence")).data == {"attendant": "viewing"}
    connection = await asyncpg.connect(portal.history.url)
    await connection.execute("UPDATE portal.open_pages SET until = now()")  # as if the time had passed
    await connection.close()
    assert (await stream.next("presence")).data == {"attendant": "gone"}
    await stream.close()


async def test_other_services_learn_who_is_there(portal: Portal) -> None:
    await portal.be_there("carlos", DESK, "viewing")
    await portal.be_there("carlos", DESK, "gone")
    records = await read_all(portal.settings, PRESENCE, count=2)
    facts = [decode(record.key, record.value, record.headers) for record in records]
    said = [fact for _, fact in facts if isinstance(fact, PersonPresent)]
    assert [(fact.ticket_id, fact.person_id, fact.state) for fact in said] == [
        ("1001", "carlos", "viewing"), ("1001", "carlos", "gone"),
    ]  # fmt: skip
    lasting = (said[0].until - facts[0][0].time).total_seconds()
    assert lasting == portal.settings.presence_seconds


async def test_who_closes_one_of_two_pages_is_still_there(portal: Portal) -> None:
    mine = await portal.stream("ana", MINE + "/stream")
    await mine.next("presence")
    await portal.be_there("carlos", DESK, "writing", page="one")
    assert (await mine.next("presence")).data == {"attendant": "writing"}
    await portal.be_there("carlos", DESK, "viewing", page="other")
    await portal.be_there("carlos", DESK, "gone", page="one")
    assert (await mine.next("presence")).data == {"attendant": "viewing"}
    await portal.be_there("carlos", DESK, "gone", page="other")
    assert (await mine.next("presence")).data == {"attendant": "gone"}
    await mine.close()
    records = await read_all(portal.settings, PRESENCE, count=4)
    said = [fact for _, fact in (decode(each.key, each.value, each.headers) for each in records)]
    states = [(fact.state, fact.until) for fact in said if isinstance(fact, PersonPresent)]
    assert [state for state, _ in states] == ["writing", "viewing", "viewing", "gone"]
    assert states[1][1] == pytest.approx(states[2][1], abs=timedelta(seconds=1)), "as long as that page lasts"


async def test_who_reads_as_requester_and_executes_is_gone_once_both_pages_are(portal: Portal) -> None:
    await portal.history.tell(world.ticket("1005", requester_id="carlos"))
    await portal.be_there("carlos", "/my/requests/1005", "viewing", page="mine")
    await portal.be_there("carlos", "/tickets/1005", "viewing", page="desk")
    await portal.be_there("carlos", "/tickets/1005", "gone", page="desk")
    records = await read_all(portal.settings, PRESENCE, count=3)
    said = [fact for _, fact in (decode(each.key, each.value, each.headers) for each in records)]
    assert [fact.state for fact in said if isinstance(fact, PersonPresent)] == ["viewing"] * 3


async def test_only_those_who_see_a_ticket_are_present_there(portal: Portal) -> None:
    for person, path in (("ana", DESK), ("olga", DESK), ("bia", MINE), ("carlos", MINE)):
        assert (await portal.be_there(person, path, "viewing")).status_code == 404


async def test_presence_of_another_form_is_invalid(portal: Portal) -> None:
    bodies: tuple[object, ...] = ({}, {"state": "asleep"}, {"state": "viewing", "name": "x"}, [],
        {"state": "viewing", "page": "a b"}, {"state": "viewing", "page": "p" * 65})  # fmt: skip
    for body in bodies:
        answer = await portal.http.post(
            f"/api/portal{DESK}/presence", json=body, headers=portal.issuer.bearer("carlos")
        )
        assert answer.status_code == 422


@asynccontextmanager
async def page_stream(portal: Portal, path: str) -> AsyncIterator[Callable[[str], Awaitable[None]]]:
    """A stream of a page of Carlos's, which is HTML; gives what waits for a line of it."""
    asked = f"{path}/stream?after=0&since=2100-01-01T00:00:00Z&settings=none"
    async with portal.http.stream("GET", asked, headers=portal.issuer.bearer("carlos")) as answer:
        lines = answer.aiter_lines()

        async def said(pattern: str) -> None:
            async with asyncio.timeout(20):
                async for line in lines:
                    if re.search(pattern, line):
                        return
            raise AssertionError(f"the stream ended before it said {pattern!r}")

        yield said


async def test_what_comes_to_a_page_names_who_the_requester_is_by_now(portal: Portal) -> None:
    async with page_stream(portal, "/desk/tickets/1001") as said:
        await said("^event: ?presence")
        await portal.history.tell(world.ticket("1001", requester_id="bia"))
        await said("data-ticket-changed")
        await portal.history.tell(recorded(author_id="bia", visible_to_requester=True))
        await said("Do solicitante; Bia e a equipe veem")


async def test_a_page_is_told_how_far_its_reader_has_read_the_chat_on_another(portal: Portal) -> None:
    await portal.history.tell(chatted(author_id="ana"), chatted(author_id="ana"))
    async with page_stream(portal, "/desk/tickets/1001") as said:
        await said("^data: ?0$")
        answer = await portal.http.post(
            "/api/portal/tickets/1001/chat/read",
            json={"up_to_version": 2},
            headers=portal.issuer.bearer("carlos"),
        )
        assert answer.status_code == 204
        await said("^data: ?2$")


async def test_streams_catch_up_when_the_connection_that_listens_was_lost(portal: Portal) -> None:
    stream = await portal.stream("carlos", DESK + "/stream")
    await stream.next("presence")
    connection = await asyncpg.connect(portal.history.url)
    listening = "query LIKE 'LISTEN%' OR query = 'SELECT 1'"
    where = f"datname = current_database() AND pid <> pg_backend_pid() AND ({listening})"
    assert await connection.fetch(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {where}")
    await connection.close()
    await portal.history.tell(chatted())
    assert (await stream.next("entry")).data["version"] == 1
    await stream.close()

    async def ready() -> bool:
        return (await portal.http.get("/readyz")).status_code == 200

    await until(ready, what="readiness after the loss")


async def test_a_stream_ends_for_whoever_may_no_longer_see_the_ticket_and_for_nobody_else(
    portal: Portal,
) -> None:
    await portal.history.tell(world.group("redes", member_ids=("carlos", "edu")))
    stream, other = [await portal.stream(each, DESK + "/stream") for each in ("carlos", "edu")]
    for each in (stream, other):
        await each.next("presence")
    await portal.history.tell(recorded())
    entries = [(await each.next("entry")).data for each in (stream, other)]
    assert entries[0] == entries[1]
    await portal.history.tell(world.group("redes", member_ids=("edu",)))
    await portal.history.tell(recorded(description_html="<p>Sem Carlos</p>"))
    assert await stream.ended()
    assert (await other.next("entry")).data["description_html"] == "<p>Sem Carlos</p>"
    await stream.close()
    await other.close()
