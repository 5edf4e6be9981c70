"""What pages offer is what notes would accept."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

from portal_query.offers import Offers, on_request
from portal_query.shapes import Entry

EVERYTHING = Offers(
    person_id="carlos",
    may_execute=True,
    may_comment=False,
    is_requester=False,
    closed=False,
    occurrences_enabled=True,
    messages_enabled=True,
    chat_enabled=True,
)
COMMENTS = replace(EVERYTHING, may_execute=False, may_comment=True)
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def entry(author: str = "carlos", **changes: object) -> Entry:
    """An internal occurrence."""
    made: dict[str, object] = {
        "version": 1,
        "kind": "occurrence",
        "recorded_at": NOW,
        "happened_at": NOW,
        "author": {"id": author, "name": author},
        "visible_to_requester": False,
        "retracted": False,
    }
    return cast(Entry, made | changes)


def test_what_is_internal_can_be_shown_and_what_is_shown_can_be_hidden() -> None:
    assert EVERYTHING.on_entry(entry()) == ["correct", "solve", "retract", "show"]
    assert EVERYTHING.on_entry(entry(visible_to_requester=True)) == ["correct", "solve", "retract", "hide"]
    assert EVERYTHING.on_entry(entry(release_at=NOW)) == ["correct", "solve", "retract", "hide"]


def test_whoever_only_comments_changes_what_is_their_own() -> None:
    assert COMMENTS.on_entry(entry("carlos")) != []
    assert COMMENTS.on_entry(entry("marina")) == []
    assert COMMENTS.on_ticket() == ["note", "correct", "solve", "show", "retract", "hide", "chat", "say"]


def test_a_closed_ticket_lets_things_be_taken_away_alone() -> None:
    assert replace(EVERYTHING, closed=True).on_ticket() == ["retract", "hide", "mail", "chat"]


def test_a_request_takes_what_its_state_and_the_switches_allow() -> None:
    on: dict[str, bool] = {"notes": True, "messages": True, "chat": True}
    assert on_request("in-progress", **on) == ["note", "message", "chat", "say"]
    assert on_request("open", **on) == ["message", "chat", "say"]
    assert on_request("closed", **on) == ["chat"]
    assert on_request("in-progress", notes=False, messages=False, chat=False) == []


def test_nothing_is_offered_on_what_is_retracted_or_to_whoever_has_no_part_in_it() -> None:
    assert EVERYTHING.on_entry(entry(retracted=True)) == []
    assert EVERYTHING.on_entry(entry(kind="message")) == []
    assert replace(EVERYTHING, occurrences_enabled=False).on_entry(entry()) == []
    assert replace(EVERYTHING, may_execute=False).on_ticket() == []


def test_a_requester_does_not_write_to_themselves() -> None:
    assert "message" in EVERYTHING.on_ticket()
    assert "message" not in replace(EVERYTHING, is_requester=True).on_ticket()
    assert "message" not in replace(EVERYTHING, messages_enabled=False).on_ticket()
