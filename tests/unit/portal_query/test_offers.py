"""What pages offer is what notes would accept."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from typing import cast, get_args

from notes import text
from notes.commands import (
    AnyCommand,
    ChangeVisibility,
    CorrectOccurrence,
    PostChat,
    RetractOccurrence,
    SendMessage,
    SolveOccurrence,
)
from notes.errors import Refused
from notes.note import decide
from notes.situation import Situation
from notes.state import State
from portal_query.offers import Offers, on_request
from portal_query.shapes import Entry
from relato_contracts.itsm import TicketStatus
from relato_contracts.notes import NoteEvent, RequesterMessaged

from tests.support.deciding import EXECUTOR, MESSAGE, OCCURRENCE, REQUESTER, decided, given, record
from tests.support.deciding import NOW as ASKED

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
    assert COMMENTS.on_ticket() == ["note", "correct", "solve", "show", "retract", "hide", "chat", "listen"]


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


_HOW = ("1001", "carlos", ASKED, OCCURRENCE, None)
_RICH = text.read("<p>Outro cabo</p>")
CHANGES: dict[str, AnyCommand] = {
    "correct": CorrectOccurrence(*_HOW, _RICH, None, None, None, None, None, "Faltou"),
    "solve": SolveOccurrence(*_HOW, _RICH, 5),
    "retract": RetractOccurrence(*_HOW, "Outro chamado"),
    "show": ChangeVisibility(*_HOW, True, False, "A pedido"),
    "hide": ChangeVisibility(*_HOW, False, False, "A pedido"),
}


def follows(command: AnyCommand, situation: Situation, state: State | None = None) -> list[NoteEvent]:
    """The facts that follow; none where it is refused."""
    try:
        return decide(state or State(), command, situation)
    except Refused:
        return []


def switched(**on: bool) -> dict[int, str]:
    """The parameters, by the parts that they switch on."""
    numbers = {"portal": 252, "occurrences": 298, "messages": 299, "chat": 316}
    return {numbers[part]: "S" for part, whether in on.items() if whether}


def test_the_desk_offers_exactly_what_is_accepted_whatever_one_may_on_a_ticket() -> None:
    on_or_off = (True, False)
    message = SendMessage("1001", "carlos", ASKED, MESSAGE, _RICH, False)
    line = PostChat("1001", "carlos", ASKED, MESSAGE, "Bom dia")
    # The desk is for who may do either; whether they are its requester as well is the last.
    for may_execute, may_comment, is_requester in product(on_or_off, repeat=3):
        if not (may_execute or may_comment):
            continue
        for status, *on in product(get_args(TicketStatus), *[on_or_off] * 3):
            rights = (may_execute, may_comment, is_requester)
            offers = Offers("carlos", *rights, status in {"closed", "cancelled"}, *on)
            situation = replace(
                EXECUTOR,
                status=status,
                may_execute=may_execute,
                may_comment=may_comment,
                is_requester=is_requester,
                parameters=switched(occurrences=on[0], messages=on[1], chat=on[2]),
            )
            accepted = {
                "note": bool(follows(record(), situation)),
                # To the requester: what they write themselves goes the other way, and from the portal.
                "message": any(isinstance(fact, RequesterMessaged) for fact in follows(message, situation)),
                "say": bool(follows(line, situation)),
            }
            on_ticket = set(offers.on_ticket())
            assert on_ticket & set(accepted) == {each for each, whether in accepted.items() if whether}, (
                offers
            )
            for author, shown in product(("carlos", "marina"), on_or_off):
                state = given(decided(record(author_id=author, visible_to_requester=shown)))
                on_entry = on_ticket & set(offers.on_entry(entry(author, visible_to_requester=shown)))
                assert on_entry == {
                    each for each, change in CHANGES.items() if follows(change, situation, state)
                }, (offers, author, shown)


def test_the_portal_offers_exactly_what_is_accepted_in_each_state_of_a_request() -> None:
    commands: dict[str, AnyCommand] = {
        "note": record(author_id="ana", channel="portal", time_spent_minutes=0),
        "message": SendMessage("1001", "ana", ASKED, MESSAGE, _RICH, False),
        "say": PostChat("1001", "ana", ASKED, MESSAGE, "Bom dia"),
    }
    for status, executes, portal, occurrences, messages, chat in product(
        get_args(TicketStatus), *[(True, False)] * 5
    ):
        parameters = switched(portal=portal, occurrences=occurrences, messages=messages, chat=chat)
        situation = replace(REQUESTER, status=status, may_execute=executes, parameters=parameters)
        offered = on_request(status, notes=portal and occurrences, messages=messages, chat=chat)
        assert set(offered) - {"chat"} == {
            each for each, command in commands.items() if follows(command, situation)
        }, (status, parameters)
