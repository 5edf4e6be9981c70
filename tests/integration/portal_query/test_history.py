"""The history of a ticket as executors see it: everything, as it stands or stood."""

import asyncio
from datetime import timedelta
from urllib.parse import quote

import pytest

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

HISTORY = "/tickets/1001/history"


async def test_an_occurrence_has_all_its_fields_and_what_does_not_apply_is_absent(portal: Portal) -> None:
    fact = recorded(category_id="cat-rede")
    await portal.history.tell(fact)
    entry, opened = await portal.entries("carlos", HISTORY)
    assert entry.pop("event_id")
    assert entry.pop("recorded_at") == portal.history.now.isoformat().replace("+00:00", "Z")
    assert entry == {
        "version": 1,
        "kind": "occurrence",
        "occurrence_id": str(fact.occurrence_id),
        "author": {"id": "carlos", "name": "Carlos"},
        "happened_at": "2026-11-02T09:30:00Z",
        "channel": "execution",
        "description_html": "<p>Cabo trocado</p>",
        "time_spent_minutes": 15,
        "category_id": "cat-rede",
        "visible_to_requester": False,
        "notify_by_email": False,
        "corrected": False,
        "retracted": False,
        "earlier": [],
        "emails": [],
    }
    assert (opened["kind"], opened["action"], opened["version"]) == ("action", "ticket-opened", 0)


async def test_an_occurrence_shows_what_became_of_it(portal: Portal) -> None:
    fact = recorded()
    await portal.history.tell(fact, corrected(fact), solved(fact), retracted(fact))
    entries = await portal.entries("carlos", HISTORY)
    assert [entry.get("action") for entry in entries] == [
        "occurrence-retracted", "occurrence-solved", "occurrence-corrected", None, "ticket-opened",
    ]  # fmt: skip
    entry = entries[3]
    assert entry["version"] == 4, "the version of the last fact about it"
    assert entry["description_html"] == "<p>Cabo novo</p>"
    assert entry["solution_html"] == "<p>Funciona</p>"
    assert entry["time_spent_minutes"] == 25
    assert (entry["corrected"], entry["retracted"]) == (True, True)
    (earlier,) = entry["earlier"]
    assert earlier.pop("recorded_at")
    assert earlier == {
        "version": 1,
        "description_html": "<p>Cabo trocado</p>",
        "reason": "Era outro cabo",
        "author": {"id": "carlos", "name": "Carlos"},
    }


async def test_actions_say_what_they_are_about_why_and_what_changed(portal: Portal) -> None:
    fact = recorded()
    await portal.history.tell(fact, corrected(fact))
    await portal.history.tell(world.ticket("1001", status="resolved"), actor="carlos")
    status, correction, *_ = await portal.entries("carlos", HISTORY)
    assert (status["action"], status["changes"]) == (
        "status-changed",
        {"status": {"from": "in-progress", "to": "resolved"}},
    )
    assert status["author"] == {"id": "carlos", "name": "Carlos"}, "by name, though the fact has only an id"
    assert correction["author"] == {"id": "edu", "name": "Edu"}
    assert (correction["subject_id"], correction["reason"]) == (str(fact.occurrence_id), "Era outro cabo")
    assert correction["changes"] == {"description_html": {"to": "<p>Cabo novo</p>"}}


async def test_mails_stand_beside_what_they_are_about_and_for_themselves(portal: Portal) -> None:
    fact = messaged()
    mail = accepted(fact.message_id, portal.history.now)  # type: ignore[attr-defined]  # of a message
    later = portal.history.now + timedelta(minutes=1)
    await portal.history.tell(fact, mail, rejected(mail, later))
    entries = await portal.entries("carlos", HISTORY + "?kind=message&kind=mail")
    assert [entry["kind"] for entry in entries] == ["mail", "mail", "message"]
    (state,) = entries[2]["emails"]
    expected = {"mail_id": str(mail.mail_id), "recipient": "ana@empresa.example", "state": "rejected",
                "reason": "550 no such user"}  # fmt: skip
    assert state.items() >= expected.items()
    assert [entry["action"] for entry in entries[:2]] == ["email-rejected", "email-accepted"]
    (listed,) = await portal.entries("carlos", "/tickets/1001/notifications")
    assert listed.items() >= (expected | {"recipient_role": "requester", "template_id": "t-251"}).items()


async def test_an_entry_was_seen_with_the_first_view_that_reaches_it(portal: Portal) -> None:
    hidden, shown = recorded(), recorded(visible_to_requester=True)
    await portal.history.tell(hidden, shown, messaged(), viewed(1))
    assert all("seen_at" not in entry for entry in await portal.entries("carlos", HISTORY))
    await portal.history.tell(viewed(3))
    seen = portal.history.now.isoformat().replace("+00:00", "Z")
    await portal.history.tell(viewed(4), messaged(author_id="ana"), viewed(7))
    entries = await portal.entries("carlos", HISTORY + "?kind=occurrence&kind=message")
    assert [entry.get("seen_at") for entry in entries] == [None, seen, seen, None]


async def test_what_was_shown_later_was_not_seen_before(portal: Portal) -> None:
    fact = recorded()
    await portal.history.tell(fact, viewed(1), visibility(fact, True))
    (entry,) = await portal.entries("carlos", HISTORY + "?kind=occurrence")
    assert "seen_at" not in entry


@pytest.mark.parametrize("since_recorded", [True, False])
async def test_what_is_held_back_says_until_when_and_the_requester_sees_nothing(
    portal: Portal, since_recorded: bool
) -> None:
    fact = recorded(release=release() if since_recorded else None)
    await portal.history.tell(fact)
    if not since_recorded:
        await portal.history.tell(visibility(fact, False, release=release()))
    await portal.history.tell(corrected(fact))
    before = quote(portal.history.now.isoformat())
    for query in ("kind=occurrence", "kind=occurrence&q=novo", f"kind=occurrence&as_of={before}"):
        (entry,) = await portal.entries("carlos", f"{HISTORY}?{query}")
        assert (entry["release_at"], entry["release_by_email"]) == ("2026-11-02T09:30:10Z", True), query
        assert entry["visible_to_requester"] is False
    assert await portal.entries("ana", "/my/requests/1001/history") == []
    await portal.history.tell(visibility(fact, True, notify_by_email=True, release_outcome="shown"))
    (entry,) = await portal.entries("carlos", HISTORY + "?kind=occurrence")
    assert "release_at" not in entry
    (entry,) = await portal.entries("carlos", f"{HISTORY}?kind=occurrence&as_of={before}")
    assert entry["release_at"]
    assert len(await portal.entries("ana", "/my/requests/1001/history")) == 1


async def test_what_became_of_what_was_held_back_is_said_by_the_action(portal: Portal) -> None:
    first, second, third = recorded(release=release()), recorded(release=release()), recorded()
    await portal.history.tell(first, second, third)
    await portal.history.tell(
        visibility(first, True, reason="shown", release_outcome="shown"),
        retracted(second, reason="undone", release_outcome="undone"),
        visibility(third, False, release=release(notify_by_email=False)),
        visibility(third, False, reason="requester-changed", release_outcome="withheld"),
    )
    withheld, held, undone, shown, _ = await portal.entries("carlos", HISTORY + "?kind=action")
    assert (shown["action"], shown["release_outcome"], shown["subject_id"]) == (
        "occurrence-visibility-changed", "shown", str(first.occurrence_id),
    )  # fmt: skip
    assert shown["changes"]["visible_to_requester"] == {"to": True}
    assert (undone["action"], undone["release_outcome"]) == ("occurrence-retracted", "undone")
    assert (held["release_at"], held["release_by_email"]) == ("2026-11-02T09:30:10Z", False)
    assert (withheld["release_outcome"], withheld["reason"]) == ("withheld", "requester-changed")
    assert all("changes" not in each for each in (held, undone, withheld)), "nobody sees anything else"
    entries = await portal.entries("carlos", HISTORY + "?kind=occurrence")
    assert all("release_at" not in entry for entry in entries)


async def test_a_message_says_what_was_written(portal: Portal) -> None:
    fact = messaged()
    await portal.history.tell(fact, messaged(author_id="ana"))
    answer, message = await portal.entries("carlos", HISTORY + "?kind=message")
    assert message["message_id"] == str(fact.message_id)  # type: ignore[attr-defined]  # of a message
    assert (message["description_html"], message["notify_by_email"]) == ("<p>Reinicie, por favor</p>", True)
    assert answer["author"] == {"id": "ana", "name": "Ana"}
    assert "notify_by_email" not in answer


async def test_chat_is_shown_where_it_is_asked_for_and_enabled(portal: Portal) -> None:
    await portal.history.tell(chatted(), chatted(author_id="ana", text="Oi\ntudo bem?"))
    assert [entry["kind"] for entry in await portal.entries("carlos", HISTORY)] == ["action"]
    for path in (HISTORY + "?kind=chat", "/tickets/1001/chat"):
        newest, oldest = await portal.entries("carlos", path)
        assert (oldest["text"], oldest["sender"]) == ("Olá <Ana>", "executor")
        assert oldest["description_html"] == "<p>Olá &lt;Ana&gt;</p>"
        assert newest["description_html"] == "<p>Oi<br>tudo bem?</p>"
    await portal.history.tell(world.parameter(316, "N"))
    for path in (HISTORY + "?kind=chat", "/tickets/1001/chat"):
        answer = await portal.get("carlos", path)
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "chat-disabled")


async def test_occurrences_are_not_displayed_while_298_is_off(portal: Portal) -> None:
    fact = recorded()
    await portal.history.tell(fact, corrected(fact), messaged(), world.parameter(298, "N"))
    entries = await portal.entries("carlos", HISTORY)
    assert [entry.get("action", entry["kind"]) for entry in entries] == ["message", "ticket-opened"]
    assert await portal.entries("carlos", "/tickets?q=cabo") == []


SEARCHES: dict[str, list[str]] = {
    "CABO NOVO": ["occurrence-corrected", "occurrence"],
    "outro cabo": ["occurrence-corrected"],
    "reinicie": ["message"],
    "edu": ["occurrence-corrected"],
    "nao conecta": ["ticket-opened"],
    "nada disso": [],
}


async def test_a_history_can_be_searched(portal: Portal) -> None:
    fact = recorded()
    await portal.history.tell(fact, corrected(fact), messaged())
    for search, expected in SEARCHES.items():
        entries = await portal.entries("carlos", f"{HISTORY}?q={quote(search)}")
        assert [entry.get("action", entry["kind"]) for entry in entries] == expected


async def test_a_history_can_be_seen_as_it_was(portal: Portal) -> None:
    fact = recorded()
    steps = [fact, corrected(fact), solved(fact), visibility(fact, True), viewed(4), retracted(fact)]
    moments, states = [], []
    for step in steps:
        await portal.history.tell(step)
        moments.append(portal.history.now)
        states.append(await portal.entries("carlos", HISTORY))
    for moment, state in zip(moments, states, strict=True):
        path = f"{HISTORY}?as_of={quote((moment + timedelta(seconds=1)).isoformat())}"
        assert await portal.entries("carlos", path) == state
    assert await portal.entries("carlos", f"{HISTORY}?as_of=2020-01-01T00:00:00Z") == []


async def test_mails_are_seen_as_they_were(portal: Portal) -> None:
    fact = recorded()
    mail = accepted(fact.occurrence_id, portal.history.now)
    await portal.history.tell(fact, mail)
    before = portal.history.now
    known = await portal.entries("carlos", HISTORY)
    await portal.history.tell(rejected(mail, before + timedelta(minutes=1)))
    assert await portal.entries("carlos", HISTORY) != known
    path = f"{HISTORY}?as_of={quote(before.isoformat())}"
    (state,) = (await portal.entries("carlos", path))[1]["emails"]
    assert state["state"] == "accepted"


async def test_a_past_history_can_be_searched_by_what_was_said_then(portal: Portal) -> None:
    fact = recorded()
    await portal.history.tell(fact)
    moment = quote(portal.history.now.isoformat())
    await portal.history.tell(corrected(fact))
    assert len(await portal.entries("carlos", f"{HISTORY}?q=trocado&as_of={moment}")) == 1
    assert await portal.entries("carlos", f"{HISTORY}?q=novo&as_of={moment}") == []


async def test_a_history_comes_in_pages_newest_first(portal: Portal) -> None:
    await portal.history.tell(*(recorded() for _ in range(130)))
    versions: list[object] = []
    path = HISTORY + "?kind=occurrence"
    cursor: str | None = ""
    while cursor is not None:
        page = (await portal.get("carlos", path + (f"&cursor={cursor}" if cursor else ""))).json()
        assert len(page["items"]) <= 50
        versions += [entry["version"] for entry in page["items"]]
        cursor = page["next_cursor"]
    assert versions == list(range(130, 0, -1))


async def test_an_authors_entries_can_be_asked_for_and_a_cursor_is_good_for_what_was_asked(
    portal: Portal,
) -> None:
    await portal.history.tell(*(recorded() for _ in range(51)), messaged(author_id="ana"), messaged())
    (theirs,) = await portal.entries("carlos", f"{HISTORY}?author=ana")
    assert (theirs["kind"], theirs["author"]["id"]) == ("message", "ana")
    first = (await portal.get("carlos", f"{HISTORY}?author=carlos")).json()
    assert {entry["author"]["id"] for entry in first["items"]} == {"carlos"}
    further = f"&cursor={first['next_cursor']}"
    assert len(await portal.entries("carlos", f"{HISTORY}?author=carlos{further}")) == 2
    for other in ("author=ana", "author=carlos&kind=message", "author=carlos&q=cabo"):
        assert (await portal.get("carlos", f"{HISTORY}?{other}{further}")).status_code == 422
    moment = quote((portal.history.now + timedelta(seconds=1)).isoformat())
    (then,) = await portal.entries("carlos", f"{HISTORY}?author=ana&as_of={moment}&q=reinicie")
    assert then["author"]["id"] == "ana"


async def test_pages_stay_where_they_were_while_something_new_comes(portal: Portal) -> None:
    await portal.history.tell(*(chatted() for _ in range(60)))
    cursor = (await portal.get("carlos", "/tickets/1001/chat")).json()["next_cursor"]
    await portal.history.tell(chatted())
    lines = await portal.entries("carlos", f"/tickets/1001/chat?cursor={cursor}")
    assert [line["version"] for line in lines] == list(range(10, 0, -1))


async def test_what_has_not_changed_is_not_sent_again(portal: Portal) -> None:
    await portal.history.tell(recorded())
    tag = (await portal.get("carlos", HISTORY)).headers["etag"]
    again = await portal.get("carlos", HISTORY, **{"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    several = await portal.get("carlos", HISTORY, **{"If-None-Match": f'"other", {tag}'})
    assert several.status_code == 304
    await portal.history.tell(recorded())
    assert (await portal.get("carlos", HISTORY, **{"If-None-Match": tag})).status_code == 200


async def test_a_version_that_is_not_projected_yet_is_waited_for(portal: Portal) -> None:
    await portal.history.tell(recorded())
    asked = asyncio.create_task(portal.get("carlos", HISTORY + "?kind=occurrence&min_version=2"))
    mine = asyncio.create_task(portal.get("ana", "/my/requests/1001/history?min_version=2"))
    await portal.followed_by(2)
    await portal.history.tell(recorded())
    answer = await asked
    assert (answer.status_code, len(answer.json()["items"])) == (200, 2)
    assert (await mine).status_code == 200


async def test_a_version_that_does_not_come_is_not_projected_yet(portal: Portal) -> None:
    answer = await portal.get("carlos", HISTORY + "?min_version=5")
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (503, "not-yet-projected")
    assert answer.headers["retry-after"] == "1"
