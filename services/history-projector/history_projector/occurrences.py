"""How an occurrence changes from fact to fact, and what its requester may see of it."""

import json
from datetime import datetime
from typing import Any, assert_never
from uuid import UUID

from relato_contracts import notes, showing

from history_projector.rows import Occurrence, RequesterEntry

OccurrenceChange = (
    notes.OccurrenceCorrected
    | notes.OccurrenceSolved
    | notes.OccurrenceRetracted
    | notes.OccurrenceVisibilityChanged
)


class UnknownOccurrence(Exception):
    """A fact changes an occurrence that its ticket's stream never recorded."""


def record(version: int, at: datetime, fact: notes.OccurrenceRecorded) -> Occurrence:
    """The occurrence that a fact records, at this version of its ticket and this time."""
    return Occurrence(
        occurrence_id=fact.occurrence_id,
        ticket_id=fact.ticket_id,
        version=version,
        author_id=fact.author_id,
        author_name=fact.author_name,
        recorded_at=at,
        occurred_at=fact.occurred_at,
        description_html=fact.description_html,
        description_text=fact.description_text,
        time_spent_minutes=fact.time_spent_minutes,
        solution_html=fact.solution_html,
        category_id=fact.category_id,
        origin_id=fact.origin_id,
        channel=fact.channel,
        visible_to_requester=fact.visible_to_requester,
        notify_by_email=fact.notify_by_email,
        corrected=False,
        retracted=False,
        earlier="[]",
        recorded_version=version,
        described_version=version,
        described_by_id=fact.author_id,
        described_by_name=fact.author_name,
        described_at=at,
        shown_version=version,
        shown_by_id=fact.author_id,
        shown_corrected=False,
    )


def evolve(before: Occurrence | None, version: int, at: datetime, fact: OccurrenceChange) -> Occurrence:
    """The occurrence after a fact about it; ``UnknownOccurrence`` if there was none before."""
    if before is None or before.ticket_id != fact.ticket_id:
        raise UnknownOccurrence(f"occurrence {fact.occurrence_id} was never recorded")
    match fact:
        case notes.OccurrenceCorrected():
            return before._replace(version=version, **_correction(before, version, at, fact))
        case notes.OccurrenceSolved():
            return before._replace(
                version=version,
                solution_html=fact.solution_html,
                time_spent_minutes=before.time_spent_minutes + fact.time_spent_minutes,
                shown_version=version,
                shown_by_id=fact.author_id,
            )
        case notes.OccurrenceRetracted():
            return before._replace(version=version, retracted=True)
        case notes.OccurrenceVisibilityChanged():
            return before._replace(
                version=version,
                visible_to_requester=fact.visible_to_requester,
                notify_by_email=fact.notify_by_email,
                shown_version=version,
                shown_by_id=fact.author_id,
            )
        case _:
            assert_never(fact)


def shown(occurrence: Occurrence) -> RequesterEntry | None:
    """What the requester sees of an occurrence: nothing of an internal or a retracted one."""
    if not showing.is_shown(
        visible_to_requester=occurrence.visible_to_requester, retracted=occurrence.retracted
    ):
        return None
    return RequesterEntry(
        ticket_id=occurrence.ticket_id,
        version=occurrence.recorded_version,
        recorded_at=occurrence.recorded_at,
        subject_id=occurrence.occurrence_id,
        kind="occurrence",
        author_id=occurrence.author_id,
        author_name=occurrence.author_name,
        happened_at=occurrence.occurred_at,
        description_html=occurrence.description_html,
        solution_html=occurrence.solution_html,
        corrected=occurrence.shown_corrected,
        current_version=occurrence.shown_version,
        current_by_id=occurrence.shown_by_id,
    )


def subject(fact: notes.NoteEvent) -> UUID | None:
    """The occurrence that a fact is about, if it is about one."""
    occurrence_id: UUID | None = vars(fact).get("occurrence_id")  # getattr is slow where there is none
    return occurrence_id


def minutes(occurrence: Occurrence | None) -> int:
    """The minutes that count in a ticket's total."""
    return 0 if occurrence is None or occurrence.retracted else occurrence.time_spent_minutes


def _correction(
    before: Occurrence, version: int, at: datetime, fact: notes.OccurrenceCorrected
) -> dict[str, Any]:
    """The columns that a correction changes."""
    given = {name: getattr(fact, name) for name in _CORRECTABLE if getattr(fact, name) is not None}
    changes: dict[str, Any] = {"corrected": True, **given}
    if fact.description_html is not None:
        replaced = {
            "version": before.described_version,
            "description_html": before.description_html,
            "reason": fact.reason,
            "author": {"id": before.described_by_id, "name": before.described_by_name},
            "recorded_at": before.described_at.isoformat(),
        }
        changes |= {
            "earlier": json.dumps([*json.loads(before.earlier), replaced], ensure_ascii=False),
            "described_version": version,
            "described_by_id": fact.author_id,
            "described_by_name": fact.author_name,
            "described_at": at,
        }
    # Minutes, category and origin are internal, and so is that they changed.
    if not showing.CHANGES_SHOWN.isdisjoint(given):
        changes |= {
            # Who could not see the earlier text is not told that there was one.
            "shown_corrected": before.shown_corrected or before.visible_to_requester,
            "shown_version": version,
            "shown_by_id": fact.author_id,
        }
    return changes


_CORRECTABLE = (
    "description_html", "description_text", "occurred_at", "time_spent_minutes", "solution_html",
    "category_id", "origin_id",
)  # fmt: skip
