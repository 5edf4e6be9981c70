"""Who may record an occurrence, when, and what it says."""

from dataclasses import replace
from datetime import timedelta

import pytest
from notes import errors, text
from notes.note import notification
from notifier.compose import audience
from relato_contracts.notes import OccurrenceRecorded

from tests.support.deciding import (
    COMMENTER,
    EXECUTOR,
    NOW,
    REQUESTER,
    STRANGER,
    decided,
    invalid,
    record,
    refused,
    without,
)


def recorded(command: object, situation: object = EXECUTOR) -> OccurrenceRecorded:
    fact = decided(command, situation)  # type: ignore[arg-type]  # narrowed right below
    assert isinstance(fact, OccurrenceRecorded)
    return fact


def test_an_executor_records_an_occurrence_that_is_internal_unless_said_otherwise() -> None:
    fact = recorded(record())
    assert (fact.author_id, fact.author_name, fact.requester_id) == ("carlos", "Carlos", "ana")
    assert (fact.description_html, fact.description_text) == ("<p>Cabo trocado</p>", "Cabo trocado")
    assert not fact.visible_to_requester
    assert not fact.notify_by_email


def test_somebody_who_may_comment_records_an_occurrence() -> None:
    assert recorded(record(), COMMENTER).author_name == "Edu"


def test_a_ticket_that_does_not_exist_is_not_found() -> None:
    refused(errors.TicketNotFound, record(), replace(EXECUTOR, ticket_known=False))


def test_a_ticket_that_one_may_not_see_is_not_found_either() -> None:
    refused(errors.TicketNotFound, record(), STRANGER)


def test_nothing_is_recorded_while_parameter_298_is_off() -> None:
    refused(errors.OccurrencesDisabled, record(), without(EXECUTOR, 298))


def test_a_parameter_that_is_absent_is_off() -> None:
    refused(errors.OccurrencesDisabled, record(), replace(EXECUTOR, parameters={}))


@pytest.mark.parametrize("status", ["closed", "cancelled"])
def test_a_closed_or_cancelled_ticket_accepts_none(status: str) -> None:
    refused(errors.TicketClosed, record(), replace(EXECUTOR, status=status))  # type: ignore[arg-type]  # a status
    refused(errors.TicketClosed, record(channel="portal"), replace(REQUESTER, status=status))  # type: ignore[arg-type]  # a status


@pytest.mark.parametrize("status", ["open", "in-progress", "suspended", "resolved"])
def test_an_executor_records_on_any_ticket_that_is_not_closed(status: str) -> None:
    assert recorded(record(), replace(EXECUTOR, status=status))  # type: ignore[arg-type]  # a status


def test_the_requester_records_on_a_ticket_in_progress_and_sees_what_they_wrote() -> None:
    fact = recorded(record(author_id="ana", channel="portal", time_spent_minutes=0), REQUESTER)
    assert fact.visible_to_requester


@pytest.mark.parametrize("status", ["open", "suspended", "resolved"])
def test_the_requester_may_not_record_on_a_ticket_that_is_not_in_progress(status: str) -> None:
    refused(errors.NotPermitted, record(channel="portal"), replace(REQUESTER, status=status))  # type: ignore[arg-type]  # a status


def test_the_requester_may_not_record_while_parameter_252_is_off() -> None:
    refused(errors.NotPermitted, record(channel="portal"), without(REQUESTER, 252))


def test_the_requester_records_neither_time_nor_solution_nor_mail_to_themselves() -> None:
    invalid("/time_spent_minutes", record(channel="portal"), REQUESTER)
    invalid("/solution_html", record(channel="portal", solution=text.read("x")), REQUESTER)
    invalid("/notify_by_email", record(channel="portal", notify_by_email=True), REQUESTER)


@pytest.mark.parametrize("groups", [{"may_execute": True}, {"may_comment": True}])
def test_a_requester_whose_groups_may_write_on_their_ticket_is_its_requester_in_the_portal(
    groups: dict[str, bool],
) -> None:
    both = replace(REQUESTER, **groups)  # type: ignore[arg-type]  # rights of groups
    portal = record(author_id="ana", channel="portal", time_spent_minutes=0)
    assert recorded(portal, both).by_requester
    assert notification(recorded(portal, both), both) == "planned"
    refused(errors.NotPermitted, portal, without(both, 252))
    refused(errors.NotPermitted, portal, replace(both, status="suspended"))
    invalid("/time_spent_minutes", replace(portal, time_spent_minutes=15), both)


@pytest.mark.parametrize("channel", ["execution", "toolbar", "api"])
def test_outside_the_portal_they_write_as_an_executor(channel: str) -> None:
    both = replace(REQUESTER, may_execute=True)
    worked = record(author_id="ana", channel=channel)
    internal = recorded(worked, both)
    assert not internal.visible_to_requester
    assert not internal.by_requester
    assert internal.time_spent_minutes == 15
    shown = recorded(replace(worked, visible_to_requester=True), without(both, 252))
    assert (shown.visible_to_requester, shown.time_spent_minutes) == (True, 15)


def test_the_channel_says_where_it_was_recorded() -> None:
    assert recorded(record(channel="toolbar")).channel == "toolbar"
    invalid("/channel", record(channel="portal"))
    invalid("/channel", record(channel="execution"), REQUESTER)


def test_the_category_and_origin_of_the_portal_are_fixed_when_parameters_262_and_263_name_valid_ones() -> (
    None
):
    fixed = replace(REQUESTER, portal_category_id="cat-1", portal_origin_id="org-1")
    command = record(channel="portal", time_spent_minutes=0, category_id="cat-2", origin_id="org-2")
    assert (recorded(command, fixed).category_id, recorded(command, fixed).origin_id) == ("cat-1", "org-1")
    assert recorded(command, REQUESTER).category_id == "cat-2"


def test_it_did_not_happen_in_the_future() -> None:
    invalid("/occurred_at", record(occurred_at=NOW + timedelta(minutes=1)))


def test_a_clock_that_is_a_little_ahead_is_forgiven_and_set_to_ours() -> None:
    assert recorded(record(occurred_at=NOW + timedelta(seconds=3))).occurred_at == NOW


@pytest.mark.parametrize(
    "html",
    ["", "   ", "<p></p>", "<p><br></p>", "<p>&nbsp;</p>", "\u200b\u200d\ufeff", "<script>x</script>",
     "\u3164", "\u2800", "<p>\u00ad\u2060</p>", "<img src=x>", "\u0301"],
)  # fmt: skip
def test_text_that_shows_nothing_is_empty(html: str) -> None:
    invalid("/description_html", record(description=text.read(html)))


def test_a_solution_that_shows_nothing_is_none() -> None:
    assert recorded(record(solution=text.read("<p></p>"))).solution_html is None


def test_mail_needs_visibility() -> None:
    invalid("/notify_by_email", record(notify_by_email=True))


def test_unknown_categories_and_origins_are_invalid() -> None:
    invalid("/category_id", record(category_id="cat-9"), replace(EXECUTOR, category_known=False))
    invalid("/origin_id", record(origin_id="org-9"), replace(EXECUTOR, origin_known=False))


def test_the_answer_says_what_will_become_of_the_mail() -> None:
    sent = decided(record(visible_to_requester=True, notify_by_email=True))
    assert notification(decided(record()), EXECUTOR) == "none"
    assert notification(sent, EXECUTOR) == "planned"
    assert notification(sent, replace(EXECUTOR, configured_templates=frozenset())) == "not-configured"
    assert notification(sent, replace(EXECUTOR, requester_has_address=False)) == "no-address"
    assert notification(sent, replace(EXECUTOR, parameters={297: "S"})) == "disabled"


def test_a_requesters_note_is_mailed_to_whoever_executes_the_ticket() -> None:
    own = decided(record(author_id="ana", channel="portal", time_spent_minutes=0), REQUESTER)
    assert notification(own, REQUESTER) == "planned"
    assert notification(own, replace(REQUESTER, attendant_has_address=False)) == "no-address"


@pytest.mark.parametrize("channel", ["execution", "toolbar", "portal", "api"])
@pytest.mark.parametrize("mail", [False, True])
@pytest.mark.parametrize("visible", [False, True])
@pytest.mark.parametrize("author", ["ana", "carlos"])
@pytest.mark.parametrize("executes", [False, True])
def test_what_is_answered_about_the_mail_is_what_the_notifier_does(
    channel: str, mail: bool, visible: bool, author: str, executes: bool
) -> None:
    situation = replace(EXECUTOR, may_execute=executes, is_requester=author == "ana")
    command = record(
        author_id=author,
        channel=channel,
        time_spent_minutes=0,
        visible_to_requester=visible,
        notify_by_email=mail,
    )
    try:
        fact = decided(command, situation)
    except errors.Refused:
        return
    told = {None: "none", 251: "requester", 253: "attendant"}[audience(fact) and audience(fact)[0]]  # type: ignore[index]  # not None
    at_requester = replace(situation, attendant_has_address=False)
    at_attendant = replace(situation, requester_has_address=False)
    answered = {
        ("none", "none"): "none",
        ("planned", "no-address"): "requester",
        ("no-address", "planned"): "attendant",
    }[notification(fact, at_requester), notification(fact, at_attendant)]
    assert answered == told
