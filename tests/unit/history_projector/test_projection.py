"""What facts come to in the read models, without a database."""

import json

from history_projector import occurrences
from history_projector.consume import sort
from history_projector.fold import Folded, fold
from history_projector.rows import Occurrence, RequesterEntry, Ticket
from relato_contracts.fields import Fact
from relato_contracts.notifications import EmailAccepted, EmailUncertain

from tests.support import stream as a
from tests.support.world import OPENED_AT, ticket


def folded(*given: Fact) -> Folded:
    """A ticket that Ana opened, and these facts from version 1 on."""
    opened = a.enveloped(900, ticket("1001"), 0)
    batch = sort(a.log([opened, *a.stream(*given)]))
    return fold({"1001": Ticket("1001")}, {}, batch)


def occurrence(state: Folded, number: int = 1) -> Occurrence:
    return state.occurrences[a.uuid(number)]


def seen(state: Folded) -> list[RequesterEntry]:
    """What Ana sees: occurrences and messages in the order of their recording."""
    entries = [occurrences.shown(each) for each in state.occurrences.values()]
    return sorted([*filter(None, entries), *state.messages], key=lambda entry: entry.version)


def test_an_internal_occurrence_is_in_the_audit_history_and_not_in_the_requesters() -> None:
    state = folded(a.recorded())
    assert [(entry.version, entry.kind, entry.action) for entry in state.entries] == [
        (0, "action", "ticket-opened"),
        (1, "occurrence", None),
    ]
    assert seen(state) == []


def test_what_is_held_back_is_internal_until_it_is_shown() -> None:
    held = a.recorded(release={"at": a.at(1), "notify_by_email": True})
    assert seen(folded(held)) == []
    assert folded(held).tickets["1001"].shown_activity_at == OPENED_AT
    (shown,) = seen(folded(held, a.visibility(1, True, release_outcome="shown")))
    assert (shown.version, shown.current_version, shown.corrected) == (1, 2, False)


def test_internal_work_is_no_activity_for_the_requester() -> None:
    state = folded(a.recorded())
    assert state.tickets["1001"].last_activity_at == a.at(1)
    assert state.tickets["1001"].shown_activity_at == OPENED_AT


def test_showing_an_occurrence_shows_its_present_text_at_the_place_of_its_recording() -> None:
    state = folded(
        a.recorded(), a.to_requester(2), a.corrected(description_html="<p>B</p>"), a.visibility(1, True)
    )
    first, second = seen(state)
    assert (first.version, first.description_html, first.current_version) == (1, "<p>B</p>", 4)
    assert second.kind == "message"


def test_a_correction_that_the_requester_could_not_see_is_not_pointed_out_to_them() -> None:
    state = folded(a.recorded(), a.corrected(description_html="<p>B</p>"), a.visibility(1, True))
    assert occurrence(state).corrected
    assert not seen(state)[0].corrected


def test_a_correction_of_minutes_changes_nothing_for_the_requester() -> None:
    state = folded(a.recorded(visible_to_requester=True), a.corrected(time_spent_minutes=5))
    assert not seen(state)[0].corrected
    assert seen(state)[0].current_version == 1
    assert state.tickets["1001"].shown_activity_at == a.at(1)


def test_a_correction_of_the_text_is_pointed_out_to_the_requester_without_the_earlier_text() -> None:
    state = folded(a.recorded(visible_to_requester=True), a.corrected(description_html="<p>B</p>"))
    (entry,) = seen(state)
    assert entry.corrected
    assert entry.description_html == "<p>B</p>"
    assert "Texto 1" not in str(entry)
    assert "Motivo interno" not in str(entry)


def test_hiding_and_retracting_take_the_occurrence_away_from_the_requester() -> None:
    shown = a.recorded(visible_to_requester=True)
    assert seen(folded(shown, a.visibility(1, False))) == []
    assert seen(folded(shown, a.retracted())) == []


def test_that_an_occurrence_vanished_is_no_activity_for_the_requester() -> None:
    state = folded(a.recorded(visible_to_requester=True), a.visibility(1, False))
    assert state.tickets["1001"].shown_activity_at == a.at(1)


def test_earlier_texts_keep_their_own_version_author_and_time_and_say_why_they_were_replaced() -> None:
    state = folded(
        a.recorded(),
        a.corrected(time_spent_minutes=3),
        a.corrected(description_html="<p>B</p>", reason="Primeiro"),
        a.corrected(description_html="<p>C</p>", reason="Segundo"),
    )
    assert json.loads(occurrence(state).earlier) == [
        {
            "version": 1,
            "description_html": "<p>Texto 1</p>",
            "reason": "Primeiro",
            "author": {"id": "carlos", "name": "Carlos"},
            "recorded_at": a.at(1).isoformat(),
        },
        {
            "version": 3,
            "description_html": "<p>B</p>",
            "reason": "Segundo",
            "author": {"id": "edu", "name": "Edu"},
            "recorded_at": a.at(3).isoformat(),
        },
    ]
    assert occurrence(state).version == 4


def test_time_is_recorded_added_to_by_solutions_set_by_corrections_and_not_counted_when_retracted() -> None:
    facts = [a.recorded(), a.solved(), a.corrected(time_spent_minutes=7), a.retracted()]
    totals = [folded(*facts[:count]).minutes["1001", "carlos"] for count in range(1, 5)]
    assert totals == [15, 25, 7, 0]


def test_unread_counts_what_the_requester_wrote_since_somebody_else_did_anything() -> None:
    facts = [
        a.to_attendant(1),
        a.chatted(2),
        a.recorded(3, **a.ANA, channel="portal", visible_to_requester=True),
        a.viewed(3),
        a.chatted(4, by_requester=False),
        a.to_attendant(5),
    ]
    unread = [folded(*facts[:count]).tickets["1001"].unread for count in range(1, 7)]
    assert unread == [1, 2, 3, 3, 0, 1]


def test_looking_at_the_history_is_recorded_and_is_no_activity() -> None:
    state = folded(a.to_requester(), a.viewed(1))
    assert state.tickets["1001"].seen_up_to == 1
    assert state.tickets["1001"].last_activity_at == a.at(1)
    assert [view.up_to_version for view in state.views.values()] == [1]


def test_each_difference_between_two_states_of_a_ticket_is_an_action() -> None:
    before = a.enveloped(900, ticket("1001"), 0)
    after = a.enveloped(901, ticket("1001", status="resolved", responsible_id=None), 5)
    state = fold({"1001": Ticket("1001")}, {}, sort(a.log([before, after])))
    assert [(entry.action, entry.author_id, json.loads(entry.data)) for entry in state.entries[1:]] == [
        ("status-changed", "davi", {"from": "in-progress", "to": "resolved"}),
        ("responsible-changed", "davi", {"from": "carlos", "to": None}),
    ]
    assert len({entry.event_id for entry in state.entries}) == 3


def test_a_ticket_saved_again_as_it_was_is_no_action() -> None:
    same = [a.enveloped(number, ticket("1001"), number) for number in (1, 2)]
    state = fold({"1001": Ticket("1001")}, {}, sort(a.log(same)))
    assert [entry.action for entry in state.entries] == ["ticket-opened"]


def test_facts_before_their_ticket_are_kept_and_shown_to_nobody_until_it_comes() -> None:
    state = fold({"1001": Ticket("1001")}, {}, sort(a.log(a.stream(a.to_requester()))))
    assert state.tickets["1001"].requester_id is None
    assert state.tickets["1001"].last_version == 1


def test_the_later_outcome_of_a_mail_stands_whichever_comes_first() -> None:
    uncertain = a.enveloped(1, a.mailed(EmailUncertain, 50, 3), 3, "/relato/notifier")
    accepted = a.enveloped(2, a.mailed(EmailAccepted, 50, 9), 9, "/relato/notifier")
    for order in ([uncertain, accepted], [accepted, uncertain]):
        state = fold({"1001": Ticket("1001")}, {}, sort(a.log(order)))
        (outcome,) = state.outcomes.values()
        assert outcome.state == "accepted"
        assert [entry.kind for entry in state.entries] == ["mail", "mail"]


def test_what_follows_a_gap_waits() -> None:
    given = [a.noted(1, a.recorded(1)), a.noted(3, a.recorded(3)), a.noted(4, a.recorded(4))]
    state = fold({"1001": Ticket("1001")}, {}, sort(a.log(given)))
    assert state.tickets["1001"].last_version == 1
    assert [arrival.noted.version for arrival in state.waiting["1001"].arrivals] == [3, 4]
    assert state.waiting["1001"].reason == "gap"


def test_a_change_of_an_occurrence_that_was_never_recorded_is_refused_and_its_successors_wait() -> None:
    state = folded(a.recorded(1), a.solved(2), a.recorded(3))
    assert [letter.reason for letter in state.refused] == ["unknown-occurrence"]
    assert state.tickets["1001"].last_version == 1
    assert [arrival.noted.version for arrival in state.waiting["1001"].arrivals] == [3]


def test_records_without_place_or_id_are_refused() -> None:
    given = [a.noted(1, a.recorded(), stream_version=None), a.noted(1, a.recorded(), id="not a uuid")]
    batch = sort(a.log(given))
    assert [letter.reason for letter in batch.refused] == ["missing-attribute", "bad-attribute"]
    assert batch.streams == {}
