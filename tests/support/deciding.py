"""Tests of decisions read as: given these facts, when somebody asks this, then these facts follow."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from notes import text
from notes.commands import AnyCommand, RecordOccurrence
from notes.errors import Invalid, Refused
from notes.note import State, decide, evolve
from notes.situation import Situation
from relato_contracts.notes import NoteEvent

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
OCCURRENCE = UUID("01930000-0000-7000-8000-000000000001")
MESSAGE = UUID("01930000-0000-7000-8000-000000000002")

EXECUTOR = Situation(
    ticket_known=True,
    status="in-progress",
    requester_id="ana",
    author_name="Carlos",
    may_execute=True,
    requester_has_address=True,
    attendant_has_address=True,
    parameters={252: "S", 298: "S", 299: "S", 316: "S"},
    configured_templates=frozenset({251, 253, 447}),
)
REQUESTER = replace(EXECUTOR, author_name="Ana", may_execute=False, is_requester=True)
COMMENTER = replace(EXECUTOR, author_name="Edu", may_execute=False, may_comment=True)
STRANGER = replace(EXECUTOR, author_name="Olga", may_execute=False)


def without(situation: Situation, parameter: int) -> Situation:
    """The same situation with one parameter switched off."""
    return replace(situation, parameters={**situation.parameters, parameter: "N"})


def record(**changes: object) -> RecordOccurrence:
    """Carlos records an internal occurrence."""
    command = RecordOccurrence(
        ticket_id="1001",
        author_id="carlos",
        now=NOW,
        occurrence_id=OCCURRENCE,
        description=text.read("<p>Cabo trocado</p>"),
        occurred_at=NOW,
        time_spent_minutes=15,
        solution=None,
        category_id=None,
        origin_id=None,
        channel="execution",
        visible_to_requester=False,
        notify_by_email=False,
    )
    return replace(command, **changes)  # type: ignore[arg-type]  # the test says what changes


def given(*facts: NoteEvent) -> State:
    """The state after these facts."""
    state = State()
    for fact in facts:
        state = evolve(state, state.version + 1, fact)
    return state


def decided(command: AnyCommand, situation: Situation = EXECUTOR, state: State | None = None) -> NoteEvent:
    """The one fact that follows."""
    (fact,) = decide(state or State(), command, situation)
    return fact


def refused(
    error: type[Refused], command: AnyCommand, situation: Situation = EXECUTOR, state: State | None = None
) -> None:
    """The command is refused with this error."""
    with pytest.raises(error):
        decide(state or State(), command, situation)


def invalid(
    pointer: str, command: AnyCommand, situation: Situation = EXECUTOR, state: State | None = None
) -> None:
    """The command is refused because of this field."""
    with pytest.raises(Invalid) as caught:
        decide(state or State(), command, situation)
    assert pointer in {error.pointer for error in caught.value.errors}
