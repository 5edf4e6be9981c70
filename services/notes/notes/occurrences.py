"""Decisions about occurrences: recorded, corrected, solved, retracted, shown and hidden."""

from typing import assert_never

from relato_contracts import notes as facts
from relato_contracts.fields import MINUTES_LIMIT
from relato_contracts.notes import NoteEvent
from relato_runtime.field_errors import FieldError

from notes import errors, holding, rules
from notes.commands import (
    ChangeVisibility,
    CorrectOccurrence,
    RecordOccurrence,
    RetractOccurrence,
    SolveOccurrence,
)
from notes.situation import Situation
from notes.state import Occurrence, State


def record(command: RecordOccurrence, situation: Situation) -> NoteEvent:
    rules.require_occurrences(situation)
    # Somebody who executes their own ticket is its requester in the portal, and an executor elsewhere.
    by_requester = situation.is_requester and (command.channel == "portal" or not situation.may_write)
    if by_requester and not (situation.switched_on(252) and situation.in_progress):
        rules.require_open(situation)
        raise errors.NotPermitted
    rules.require_open(situation)
    wrong = [
        *rules.wrong_text("/description_html", command.description),
        *rules.wrong_moment(command.occurred_at, command.now),
        *rules.wrong_catalog(command.category_id, command.origin_id, situation),
    ]
    solution = None if command.solution is None or command.solution.shows_nothing else command.solution
    if solution is not None:
        wrong += rules.wrong_text("/solution_html", solution)
    if by_requester:
        if command.notify_by_email:
            wrong.append(FieldError("/notify_by_email", "A requester is not told of their own note."))
        wrong += holding.wrong_hold(command, by_requester=True)
        if command.solution is not None:
            wrong.append(FieldError("/solution_html", "Only those who execute a ticket record a solution."))
        if command.time_spent_minutes:
            wrong.append(FieldError("/time_spent_minutes", "Only those who execute a ticket record time."))
        if command.channel in {"execution", "toolbar"}:
            wrong.append(FieldError("/channel", "A requester records in the portal or through the API."))
    else:
        wrong += rules.wrong_mail(command.visible_to_requester, command.notify_by_email)
        wrong += holding.wrong_hold(command)
        if command.channel == "portal":
            wrong.append(FieldError("/channel", "Only the requester records in the portal."))
    rules.refuse(wrong)
    release = holding.hold(command)
    return facts.OccurrenceRecorded(
        **rules.who(command, situation),
        occurrence_id=command.occurrence_id,
        description_html=command.description.html,
        description_text=command.description.plain,
        occurred_at=min(command.occurred_at, command.now),
        time_spent_minutes=command.time_spent_minutes,
        solution_html=None if solution is None else solution.html,
        category_id=(situation.portal_category_id if by_requester else None) or command.category_id,
        origin_id=(situation.portal_origin_id if by_requester else None) or command.origin_id,
        channel=command.channel,
        # What requesters write they can see, whatever they said about it.
        visible_to_requester=(command.visible_to_requester or by_requester) and release is None,
        notify_by_email=command.notify_by_email and release is None,
        release=release,
    )


def change(
    state: State,
    command: CorrectOccurrence | SolveOccurrence | RetractOccurrence | ChangeVisibility,
    situation: Situation,
) -> NoteEvent:
    rules.require_occurrences(situation)
    occurrence = state.occurrences.get(command.occurrence_id)
    if not situation.may_write:
        raise errors.NotPermitted
    if occurrence is None:
        raise errors.OccurrenceNotFound
    own = occurrence.author_id == command.author_id
    if not situation.may_execute and not own:
        raise errors.NotPermitted
    # What should not be seen can be taken away also after the ticket was closed.
    takes_away = isinstance(command, RetractOccurrence) or (
        isinstance(command, ChangeVisibility) and not command.visible_to_requester
    )
    if not takes_away:
        rules.require_open(situation)
    rules.require_version(state, occurrence, command)
    if occurrence.retracted:
        raise errors.AlreadyRetracted
    match command:
        case CorrectOccurrence():
            return _correct(occurrence, command, situation)
        case SolveOccurrence():
            minutes = occurrence.time_spent_minutes + command.time_spent_minutes
            wrong = rules.wrong_text("/solution_html", command.solution)
            if command.reason is not None:
                wrong += rules.wrong_reason(command.reason)
            if minutes > MINUTES_LIMIT:
                wrong.append(FieldError("/time_spent_minutes", "More than a year in all."))
            rules.refuse(wrong)
            return facts.OccurrenceSolved(
                **rules.who(command, situation),
                occurrence_id=command.occurrence_id,
                solution_html=command.solution.html,
                solution_text=command.solution.plain,
                time_spent_minutes=command.time_spent_minutes,
                reason=command.reason,
            )
        case RetractOccurrence():
            rules.refuse(rules.wrong_reason(command.reason))
            return facts.OccurrenceRetracted(
                **rules.who(command, situation), occurrence_id=command.occurrence_id, reason=command.reason
            )
        case ChangeVisibility():
            return _change_visibility(occurrence, command, situation)
        case _:
            assert_never(command)


def _correct(occurrence: Occurrence, command: CorrectOccurrence, situation: Situation) -> NoteEvent:
    wrong = rules.wrong_reason(command.reason)
    if command.description is not None:
        wrong += rules.wrong_text("/description_html", command.description)
    if command.solution is not None:
        wrong += rules.wrong_text("/solution_html", command.solution)
    if command.occurred_at is not None:
        wrong += rules.wrong_moment(command.occurred_at, command.now)
    wrong += rules.wrong_catalog(command.category_id, command.origin_id, situation)
    moment = command.occurred_at and min(command.occurred_at, command.now)
    given = {
        "description_html": command.description and command.description.html,
        "occurred_at": moment,
        "time_spent_minutes": command.time_spent_minutes,
        "solution_html": command.solution and command.solution.html,
        "category_id": command.category_id,
        "origin_id": command.origin_id,
    }
    changed = {
        name for name, value in given.items() if value is not None and value != getattr(occurrence, name)
    }
    if not changed and not wrong:
        wrong.append(FieldError("", "The correction changes nothing."))
    rules.refuse(wrong)
    description = command.description if "description_html" in changed else None
    return facts.OccurrenceCorrected(
        **rules.who(command, situation),
        occurrence_id=command.occurrence_id,
        description_html=None if description is None else description.html,
        description_text=None if description is None else description.plain,
        occurred_at=moment if "occurred_at" in changed else None,
        time_spent_minutes=command.time_spent_minutes if "time_spent_minutes" in changed else None,
        solution_html=command.solution.html if command.solution and "solution_html" in changed else None,
        category_id=command.category_id if "category_id" in changed else None,
        origin_id=command.origin_id if "origin_id" in changed else None,
        reason=command.reason,
    )


def _change_visibility(occurrence: Occurrence, command: ChangeVisibility, situation: Situation) -> NoteEvent:
    wrong = [
        *rules.wrong_reason(command.reason),
        *rules.wrong_mail(command.visible_to_requester, command.notify_by_email),
        *holding.wrong_hold(command),
    ]
    # Hiding what is held back is no change yet, and keeps it from becoming one.
    if occurrence.visible_to_requester == command.visible_to_requester and occurrence.held is None:
        how = "shown to" if command.visible_to_requester else "hidden from"
        wrong.append(FieldError("/visible_to_requester", f"It is already {how} the requester."))
    rules.refuse(wrong)
    release = holding.hold(command)
    return facts.OccurrenceVisibilityChanged(
        **rules.who(command, situation),
        occurrence_id=command.occurrence_id,
        visible_to_requester=command.visible_to_requester and release is None,
        notify_by_email=command.notify_by_email and release is None,
        reason=command.reason,
        release=release,
    )
