"""What may be done with an occurrence after it was recorded."""

from dataclasses import replace
from datetime import timedelta

import pytest
from notes import errors, text
from notes.commands import ChangeVisibility, CorrectOccurrence, RetractOccurrence, SolveOccurrence
from relato_contracts.notes import (
    OccurrenceCorrected,
    OccurrenceRetracted,
    OccurrenceSolved,
    OccurrenceVisibilityChanged,
)

from tests.support.deciding import (
    COMMENTER,
    EXECUTOR,
    NOW,
    OCCURRENCE,
    REQUESTER,
    decided,
    given,
    invalid,
    record,
    refused,
    without,
)

RECORDED = given(decided(record()))


def correct(**changes: object) -> CorrectOccurrence:
    command = CorrectOccurrence(
        "1001", "carlos", NOW, OCCURRENCE, None,
        description=text.read("<p>Cabo e conector trocados</p>"), occurred_at=None, time_spent_minutes=None,
        solution=None, category_id=None, origin_id=None, reason="Faltou o conector",
    )  # fmt: skip
    return replace(command, **changes)  # type: ignore[arg-type]  # the test says what changes


def solve(**changes: object) -> SolveOccurrence:
    command = SolveOccurrence(
        "1001", "carlos", NOW, OCCURRENCE, None, solution=text.read("<p>Novo cabo</p>"), time_spent_minutes=5
    )
    return replace(command, **changes)  # type: ignore[arg-type]  # the test says what changes


def retract(**changes: object) -> RetractOccurrence:
    command = RetractOccurrence("1001", "carlos", NOW, OCCURRENCE, None, reason="Outro chamado")
    return replace(command, **changes)  # type: ignore[arg-type]  # the test says what changes


def show(**changes: object) -> ChangeVisibility:
    command = ChangeVisibility(
        "1001", "carlos", NOW, OCCURRENCE, None,
        visible_to_requester=True, notify_by_email=False, reason="A pedido",
    )  # fmt: skip
    return replace(command, **changes)  # type: ignore[arg-type]  # the test says what changes


def test_a_correction_names_only_what_changes() -> None:
    fact = decided(correct(time_spent_minutes=15, occurred_at=NOW), state=RECORDED)
    assert isinstance(fact, OccurrenceCorrected)
    assert fact.description_text == "Cabo e conector trocados"
    assert fact.time_spent_minutes is None
    assert fact.occurred_at is None


def test_a_correction_that_changes_nothing_is_invalid() -> None:
    invalid("", correct(description=text.read("<p>Cabo trocado</p>")), state=RECORDED)
    invalid("", correct(description=None), state=RECORDED)


def test_a_correction_is_held_to_the_rules_of_recording() -> None:
    invalid("/description_html", correct(description=text.read("<p></p>")), state=RECORDED)
    invalid("/occurred_at", correct(occurred_at=NOW + timedelta(hours=1)), state=RECORDED)
    invalid("/category_id", correct(category_id="x"), replace(EXECUTOR, category_known=False), RECORDED)


@pytest.mark.parametrize("reason", [" ", "\u200b", "\n\t"])
def test_a_blank_reason_is_invalid(reason: str) -> None:
    for command in (correct(reason=reason), retract(reason=reason), show(reason=reason)):
        invalid("/reason", command, state=RECORDED)


def test_a_solution_adds_its_time() -> None:
    fact = decided(solve(), state=RECORDED)
    assert isinstance(fact, OccurrenceSolved)
    after = given(decided(record()), fact).occurrences[OCCURRENCE]
    assert (after.time_spent_minutes, after.solution_html) == (20, "<p>Novo cabo</p>")


def test_a_solution_that_shows_nothing_is_invalid() -> None:
    invalid("/solution_html", solve(solution=text.read("<p> </p>")), state=RECORDED)


def test_time_never_adds_up_to_more_than_a_year() -> None:
    invalid("/time_spent_minutes", solve(time_spent_minutes=525_600), state=RECORDED)


def test_what_was_retracted_cannot_be_touched_again() -> None:
    retracted = decided(retract(), state=RECORDED)
    assert isinstance(retracted, OccurrenceRetracted)
    state = given(decided(record()), retracted)
    for command in (correct(), solve(), retract(), show()):
        refused(errors.AlreadyRetracted, command, state=state)


def test_an_occurrence_is_shown_and_hidden() -> None:
    shown = decided(show(notify_by_email=True), state=RECORDED)
    assert isinstance(shown, OccurrenceVisibilityChanged)
    state = given(decided(record()), shown)
    assert state.occurrences[OCCURRENCE].visible_to_requester
    assert decided(show(visible_to_requester=False), state=state)


def test_showing_what_is_shown_changes_nothing_and_is_invalid() -> None:
    invalid("/visible_to_requester", show(visible_to_requester=False), state=RECORDED)


def test_hiding_sends_no_mail() -> None:
    shown = given(decided(record(visible_to_requester=True)))
    invalid("/notify_by_email", show(visible_to_requester=False, notify_by_email=True), state=shown)


def test_an_unknown_occurrence_is_not_found() -> None:
    refused(errors.OccurrenceNotFound, correct())


def test_the_requester_changes_no_occurrence_not_even_their_own() -> None:
    own = given(decided(record(author_id="ana", channel="portal", time_spent_minutes=0), REQUESTER))
    for command in (correct(author_id="ana"), solve(author_id="ana"), retract(author_id="ana")):
        refused(errors.NotPermitted, command, REQUESTER, own)


def test_who_may_comment_changes_only_what_they_recorded() -> None:
    refused(errors.NotPermitted, correct(author_id="edu"), COMMENTER, RECORDED)
    own = given(decided(record(author_id="edu"), COMMENTER))
    assert decided(correct(author_id="edu"), COMMENTER, own)


def test_a_closed_ticket_accepts_no_change_but_taking_away_what_should_not_be_seen() -> None:
    closed = replace(EXECUTOR, status="closed")
    shown = given(decided(record(visible_to_requester=True)))
    for command in (correct(), solve()):
        refused(errors.TicketClosed, command, closed, shown)
    refused(errors.TicketClosed, show(), closed, RECORDED)
    assert decided(show(visible_to_requester=False), closed, shown)
    assert decided(retract(), closed, shown)


def test_nothing_changes_while_parameter_298_is_off() -> None:
    for command in (correct(), solve(), retract(), show()):
        refused(errors.OccurrencesDisabled, command, without(EXECUTOR, 298), RECORDED)


def test_a_change_is_refused_when_another_came_first() -> None:
    state = given(decided(record()), decided(solve(), state=RECORDED))
    refused(errors.VersionConflict, correct(expected_version=1), state=state)
    assert decided(correct(expected_version=2), state=state)


def test_what_happened_elsewhere_on_the_ticket_is_no_conflict() -> None:
    other = record(occurrence_id=OCCURRENCE.__class__(int=OCCURRENCE.int + 7))
    state = given(decided(record()), decided(other))
    assert decided(correct(expected_version=1), state=state)
    assert decided(correct(expected_version=2), state=state)
    refused(errors.VersionConflict, correct(expected_version=3), state=state)
