"""What a ticket's stream has come to: pure folding of its facts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never
from uuid import UUID

from relato_contracts import notes as facts
from relato_contracts.notes import NoteEvent


@dataclass(frozen=True, slots=True)
class Held:
    """An occurrence that is to be shown, and by whose will."""

    at: datetime
    notify_by_email: bool
    author_id: str
    author_name: str
    requester_id: str
    since_recorded: bool
    """Nobody was ever to see it as an internal one."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An occurrence as it now stands."""

    version: int
    author_id: str
    description_html: str
    occurred_at: datetime
    time_spent_minutes: int
    solution_html: str | None
    category_id: str | None
    origin_id: str | None
    visible_to_requester: bool
    retracted: bool = False
    held: Held | None = None


@dataclass(frozen=True, slots=True)
class State:
    """A ticket's stream: how far it has come, and those occurrences that matter to the command."""

    version: int = 0
    seen_up_to: int = 0
    shown_version: int = 0
    """Of the last fact that changed what the requester can see."""
    occurrences: Mapping[UUID, Occurrence] = field(default_factory=dict)


def evolve(state: State, version: int, event: NoteEvent) -> State:
    """The state after a fact that stands at ``version`` of the stream."""
    state = replace(state, version=version)
    match event:
        case facts.OccurrenceRecorded():
            occurrence = Occurrence(
                version=version,
                author_id=event.author_id,
                description_html=event.description_html,
                occurred_at=event.occurred_at,
                time_spent_minutes=event.time_spent_minutes,
                solution_html=event.solution_html,
                category_id=event.category_id,
                origin_id=event.origin_id,
                visible_to_requester=event.visible_to_requester,
                held=_held(event),
            )
            return _with(state, event.occurrence_id, occurrence)
        case facts.OccurrenceCorrected():
            changes = event.model_dump(include=_CORRECTABLE, exclude_none=True)
            return _changed(state, event.occurrence_id, lambda before: replace(before, **changes))
        case facts.OccurrenceSolved():
            return _changed(
                state,
                event.occurrence_id,
                lambda before: replace(
                    before,
                    solution_html=event.solution_html,
                    time_spent_minutes=before.time_spent_minutes + event.time_spent_minutes,
                ),
            )
        case facts.OccurrenceRetracted():
            return _changed(
                state, event.occurrence_id, lambda before: replace(before, retracted=True, held=None)
            )
        case facts.OccurrenceVisibilityChanged():
            return _changed(
                state,
                event.occurrence_id,
                lambda before: replace(
                    before, visible_to_requester=event.visible_to_requester, held=_held(event)
                ),
            )
        case facts.RequesterMessaged() | facts.AttendantMessaged() | facts.ChatMessagePosted():
            return replace(state, shown_version=version)
        case facts.TextErased():
            return state  # what was said does not decide; what was done stays
        case facts.HistoryViewed():
            return replace(state, seen_up_to=max(state.seen_up_to, event.up_to_version))
        case _:
            assert_never(event)


_CORRECTABLE = {
    "description_html", "occurred_at", "time_spent_minutes", "solution_html", "category_id", "origin_id",
}  # fmt: skip


def _held(event: facts.OccurrenceRecorded | facts.OccurrenceVisibilityChanged) -> Held | None:
    if event.release is None:
        return None
    return Held(
        at=event.release.at,
        notify_by_email=event.release.notify_by_email,
        author_id=event.author_id,
        author_name=event.author_name,
        requester_id=event.requester_id,
        since_recorded=isinstance(event, facts.OccurrenceRecorded),
    )


def _with(state: State, occurrence_id: UUID, occurrence: Occurrence) -> State:
    before = state.occurrences.get(occurrence_id)
    shown = occurrence.visible_to_requester or (before is not None and before.visible_to_requester)
    return replace(
        state,
        shown_version=occurrence.version if shown else state.shown_version,
        occurrences={**state.occurrences, occurrence_id: occurrence},
    )


def _changed(state: State, occurrence_id: UUID, change: Callable[[Occurrence], Occurrence]) -> State:
    return _with(
        state, occurrence_id, replace(change(state.occurrences[occurrence_id]), version=state.version)
    )
