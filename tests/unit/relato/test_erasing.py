"""How `relato people erase` tells what is still to go from what was said on somebody's tickets since."""

from typing import Any

from relato.commands.held import left_over, remarks, said_since, through

FIRST, AGAIN = "2026-11-02T09:30:00.000001Z", "2026-11-29T15:00:00Z"


def held(**numbers: int) -> dict[str, Any]:
    """What services hold; notes' tables, and with two underscores a generation's or a topic."""
    items = [
        {"service": "history-projector" if name.startswith("history") else "notes"}
        | {"kind": "topic" if name.startswith("relato") else "table", "name": name.replace("__", ".")}
        | {"number": number}
        for name, number in numbers.items()
    ]
    return {"person_id": "ana", "items": items, "forgetting": {"portal-query": None}}


def forgotten(known: dict[str, Any], **changed: object) -> dict[str, Any]:
    """The same, where all services are through but for what is changed of the notifier's part."""
    part = {"erased_at": AGAIN, "done": True, "trouble": None, "left": []}
    every = {"notes": part, "history-projector": part, "notifier": part | changed, "portal-query": None}
    return known | {"forgetting": every}


def test_what_the_log_has_afterwards_is_no_reason_to_wait_for_the_histories() -> None:
    since = held(events=3, drafts=0, history_1__ticket_entries=3, history_2__ticket_entries=2)
    assert (left_over(since), said_since(since)) == (0, 3)


def test_what_the_histories_have_beyond_the_log_is_still_to_go() -> None:
    assert left_over(held(events=3, history_1__ticket_entries=5)) == 2
    assert left_over(held(events=0, history_1__ticket_entries=5)) == 5


def test_anything_else_is_still_to_go_whatever_was_said_since() -> None:
    assert left_over(held(events=3, drafts=1, history_1__occurrences=2)) == 3


def test_the_topic_has_what_was_said_since_as_the_log_has_it() -> None:
    assert left_over(held(events=3, relato__notes=3)) == 0
    assert left_over(held(events=3, relato__notes=5, relato__notifications=1)) == 3


def test_somebody_is_erased_when_every_service_is_through_since_notes_was_told_to() -> None:
    assert through(forgotten(held(events=3, history_1__ticket_entries=3)))
    assert not through(forgotten(held(history_1__ticket_entries=3)))
    assert not through(forgotten(held(), done=False)), "its topic or its files are still to do"
    assert not through(forgotten(held(), erased_at=FIRST)), "it has not heard of this time"
    unheard = forgotten(held())
    assert not through(unheard | {"forgetting": unheard["forgetting"] | {"notifier": None}})


def test_a_topic_that_nobody_goes_on_with_is_no_reason_to_wait_and_is_left_over() -> None:
    known = forgotten(held(relato__notes=1))
    assert (through(known), left_over(known)) == (True, 1)


def test_what_is_in_a_services_way_is_told_and_what_it_left_to_others() -> None:
    assert remarks(held()) == remarks(forgotten(held())) == []
    left = [
        {"kind": "not-read", "topic": "relato.notifications", "partition": 2, "group": "g"},
        {"kind": "not-compacted", "topic": "itsm.people", "partition": None, "group": None},
    ]
    assert remarks(forgotten(held(), trouble="TopicAuthorizationFailedError", left=left)) == [
        "notifier: TopicAuthorizationFailedError",
        "The group g had not read all that was cut off of relato.notifications, partition 2.",
        "itsm.people still says more somewhere: it is not compacted, or not yet.",
    ]
