"""Pure: which parts of a ticket's facts its requester may see, which is what they see of it in the portal.

Of an occurrence that is visible to them they see who recorded it and when, and its description, time and
solution as these now are: not who corrected or solved it, and nothing that was replaced.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple
from uuid import UUID

from relato_contracts import notes
from relato_contracts.commitments import Part
from relato_contracts.notes import NoteEvent

CHANGES_SHOWN = frozenset({"description_html", "occurred_at", "solution_html"})
"""Fields of an occurrence that its requester sees; that others were corrected is internal, too."""


def is_shown(*, visible_to_requester: bool, retracted: bool) -> bool:
    """Whether the requester sees anything of an occurrence as it now is."""
    return visible_to_requester and not retracted


class Switches(NamedTuple):
    """What the ITSM's parameters let requesters see."""

    occurrences: bool
    """298"""
    messages: bool
    """299"""
    chat: bool
    """316"""
    solutions: bool
    """371"""


@dataclass(frozen=True, slots=True)
class _Occurrence:
    """By which versions of the stream an occurrence is as it is."""

    recorded: int
    described: int
    dated: int
    solved: int | None
    visible: bool
    retracted: bool = False


def shown(stream: Iterable[tuple[int, NoteEvent]], switches: Switches) -> dict[int, set[Part]]:
    """The parts of each fact that the requester may see, by version; of the others nothing."""
    occurrences: dict[UUID, _Occurrence] = {}
    found: dict[int, set[Part]] = {}
    for version, fact in stream:
        match fact:
            case notes.RequesterMessaged() | notes.AttendantMessaged() if switches.messages:
                found[version] = {"about", "author", "text"}
            case notes.ChatMessagePosted() if switches.chat:
                found[version] = {"about", "author", "text"}
            case notes.OccurrenceRecorded():
                solved = version if fact.solution_html else None
                occurrences[fact.occurrence_id] = _Occurrence(
                    version, version, version, solved, fact.visible_to_requester
                )
            case _:
                _evolve(occurrences, version, fact)
    for each in occurrences.values() if switches.occurrences else ():
        if is_shown(visible_to_requester=each.visible, retracted=each.retracted):
            found.setdefault(each.recorded, set()).update({"about", "author"})
            found.setdefault(each.described, set()).add("text")
            found.setdefault(each.dated, set()).add("when")
            if each.solved is not None and switches.solutions:
                found.setdefault(each.solved, set()).add("solution")
    return found


def _evolve(occurrences: dict[UUID, _Occurrence], version: int, fact: NoteEvent) -> None:
    before = occurrences.get(getattr(fact, "occurrence_id", UUID(int=0)))
    if before is None:
        return
    match fact:
        case notes.OccurrenceCorrected():
            now = replace(
                before,
                described=before.described if fact.description_html is None else version,
                dated=before.dated if fact.occurred_at is None else version,
                solved=before.solved if fact.solution_html is None else version,
            )
        case notes.OccurrenceSolved():
            now = replace(before, solved=version)
        case notes.OccurrenceRetracted():
            now = replace(before, retracted=True)
        case notes.OccurrenceVisibilityChanged():
            now = replace(before, visible=fact.visible_to_requester)
        case _:
            return
    occurrences[fact.occurrence_id] = now


def switches(parameters: Mapping[int, str]) -> Switches:
    """From the parameters as they are; one that is not there is off."""
    return Switches(*(parameters.get(number) == "S" for number in (298, 299, 316, 371)))
