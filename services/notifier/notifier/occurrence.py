"""Pure: an occurrence as it now is, as far as the requester may know it."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from relato_contracts.notes import (
    OccurrenceCorrected,
    OccurrenceFact,
    OccurrenceRecorded,
    OccurrenceRetracted,
    OccurrenceSolved,
    OccurrenceVisibilityChanged,
)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """No reasons, no minutes, no earlier texts: what is not here cannot be mailed."""

    occurrence_id: UUID
    version: int
    author_name: str
    occurred_at: datetime
    html: str
    text: str
    solution_html: str
    visible: bool
    retracted: bool = False
    ticket_id: str | None = None
    """Not known of what was recorded before it was kept, until the next fact."""


def evolve(occurrence: Occurrence | None, version: int, fact: OccurrenceFact) -> Occurrence | None:
    """An occurrence after a fact; what comes again, or about an occurrence never seen, changes nothing."""
    if isinstance(fact, OccurrenceRecorded) and occurrence is None:
        return Occurrence(
            occurrence_id=fact.occurrence_id,
            version=version,
            author_name=fact.author_name,
            occurred_at=fact.occurred_at,
            html=fact.description_html,
            text=fact.description_text,
            solution_html=fact.solution_html or "",
            visible=fact.visible_to_requester,
            ticket_id=fact.ticket_id,
        )
    if occurrence is None or version <= occurrence.version:
        return occurrence
    occurrence = replace(occurrence, version=version, ticket_id=fact.ticket_id)
    match fact:
        case OccurrenceCorrected():
            return _corrected(occurrence, fact)
        case OccurrenceSolved():
            return replace(occurrence, solution_html=fact.solution_html)
        case OccurrenceRetracted():
            return replace(occurrence, retracted=True)
        case OccurrenceVisibilityChanged():
            return replace(occurrence, visible=fact.visible_to_requester)
        case _:  # recorded twice
            return occurrence


def _corrected(occurrence: Occurrence, fact: OccurrenceCorrected) -> Occurrence:
    return replace(
        occurrence,
        html=occurrence.html if fact.description_html is None else fact.description_html,
        text=occurrence.text if fact.description_text is None else fact.description_text,
        occurred_at=fact.occurred_at or occurrence.occurred_at,
        solution_html=occurrence.solution_html if fact.solution_html is None else fact.solution_html,
    )
