"""A batch of records folded, in memory, into the rows that it leaves behind."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from relato_contracts.erasure import without_texts
from relato_contracts.notes import TextErased
from relato_runtime.positions import DeadLetter, Record

from history_projector.facts import Mailed, Noted, Saved
from history_projector.occurrences import UnknownOccurrence, minutes, subject
from history_projector.project import project, project_mail
from history_projector.rows import ChatEntry, Entry, Occurrence, Outcome, RequesterEntry, Ticket, View
from history_projector.tickets import save


class Arrival(NamedTuple):
    """A fact of a ticket's stream with the record that brought it, now or, if it was parked, earlier."""

    noted: Noted
    record: Record
    parked: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """What came before its turn on one ticket, and why that has not come."""

    reason: str
    arrivals: list[Arrival]


@dataclass(slots=True)
class Batch:
    """What a batch of records says, sorted."""

    saved: list[Saved] = field(default_factory=list)
    streams: dict[str, dict[int, Arrival]] = field(default_factory=dict)
    """For each ticket its arrivals by version, so that what came twice stands here once."""
    mailed: list[Mailed] = field(default_factory=list)
    refused: list[DeadLetter] = field(default_factory=list)

    @property
    def ticket_ids(self) -> list[str]:
        """All tickets that the batch is about, in order."""
        saved = {each.ticket_id for each in self.saved}
        return sorted(saved | self.streams.keys() | {each.fact.ticket_id for each in self.mailed})


@dataclass(slots=True)
class Folded:
    """Rows as they were found, moved on by each fact, and the rows that are new."""

    tickets: dict[str, Ticket]
    occurrences: dict[UUID, Occurrence]
    changed: set[UUID] = field(default_factory=set)
    """Which of the occurrences are not as they were found."""
    entries: list[Entry] = field(default_factory=list)
    messages: list[RequesterEntry] = field(default_factory=list)
    chat: list[ChatEntry] = field(default_factory=list)
    views: dict[tuple[str, int], View] = field(default_factory=dict)
    outcomes: dict[UUID, Outcome] = field(default_factory=dict)
    minutes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By how much the totals of ticket and author grow."""
    erased: list[TextErased] = field(default_factory=list)
    """What is to be forgotten, of these rows and of those that are there."""
    reached: dict[str, int] = field(default_factory=dict)
    """The highest offset applied, of each ticket whose stream went on."""
    waiting: dict[str, Waiting] = field(default_factory=dict)
    """Tickets whose streams cannot go on."""
    refused: list[DeadLetter] = field(default_factory=list)
    duplicates: int = 0


def fold(tickets: Mapping[str, Ticket], occurrences: Mapping[UUID, Occurrence], batch: Batch) -> Folded:
    """Everything that a batch changes, from the rows as they are now.

    ``tickets`` holds all that the batch is about, ``occurrences`` at least those that it changes.
    The tables come out the same however the records of a log are cut into batches.
    """
    folded = Folded(dict(tickets), dict(occurrences), refused=list(batch.refused))
    for saved in batch.saved:
        ticket, entries = save(folded.tickets[saved.ticket_id], saved)
        folded.tickets[saved.ticket_id] = ticket
        folded.entries += entries
    for ticket_id, stream in batch.streams.items():
        _follow(folded, ticket_id, stream)
    for mailed in batch.mailed:
        entry, outcome = project_mail(mailed)
        folded.entries.append(entry)
        keep_latest(folded.outcomes, outcome)
    return folded


def keep_latest(outcomes: dict[UUID, Outcome], outcome: Outcome) -> None:
    """A later outcome of a mail replaces an earlier one, in whichever order they come."""
    known = outcomes.get(outcome.mail_id)
    if known is None or (known.at, known.outcome_id) < (outcome.at, outcome.outcome_id):
        outcomes[outcome.mail_id] = outcome


def changed_occurrences(arrivals: Iterable[Arrival]) -> set[UUID]:
    """The occurrences that these facts are about."""
    subjects = (subject(arrival.noted.fact) for arrival in arrivals)
    return {each for each in subjects if each is not None}


def forget(stream: Mapping[int, Arrival]) -> dict[int, Arrival]:
    """Facts without the words that later ones say are gone: a topic may still have had them."""
    now = dict(stream)
    for erased in (each.noted.fact for each in stream.values()):
        if not isinstance(erased, TextErased):
            continue
        for version in now.keys() & set(erased.versions):
            noted = now[version].noted
            left = without_texts(
                noted.fact.model_dump(mode="json", exclude_none=True),
                anonymous=version in erased.anonymous,
            )
            fact = type(noted.fact).model_validate_json(json.dumps(left))
            now[version] = now[version]._replace(noted=noted._replace(fact=fact))
    return now


def _follow(folded: Folded, ticket_id: str, stream: Mapping[int, Arrival]) -> None:
    """Apply a ticket's facts for as long as none is missing; what follows a gap waits."""
    version = folded.tickets[ticket_id].last_version
    folded.duplicates += sum(each <= version for each in stream)
    reason = "gap"
    while (arrival := stream.get(version + 1)) is not None:
        try:
            _apply(folded, arrival.noted)
        except UnknownOccurrence as error:
            reason = "unknown-occurrence"
            folded.refused.append(DeadLetter(arrival.record, reason, str(error)))
            break
        version += 1
        folded.reached[ticket_id] = max(folded.reached.get(ticket_id, 0), arrival.record.offset)
    beyond = [stream[each] for each in sorted(stream) if each > version]
    if beyond:
        later = beyond if reason == "gap" else beyond[1:]  # the refused record lies in the dead letters
        folded.waiting[ticket_id] = Waiting(reason, later)


def _apply(folded: Folded, noted: Noted) -> None:
    fact = noted.fact
    occurrence_id = subject(fact)
    before = None if occurrence_id is None else folded.occurrences.get(occurrence_id)
    if isinstance(fact, TextErased):
        folded.erased.append(fact)
    projected = project(folded.tickets[fact.ticket_id], before, noted)
    folded.tickets[fact.ticket_id] = projected.ticket
    folded.entries.append(projected.entry)
    if (now := projected.occurrence) is not None:
        folded.occurrences[now.occurrence_id] = now
        folded.changed.add(now.occurrence_id)
        folded.minutes[fact.ticket_id, now.author_id] += minutes(now) - minutes(before)
    if projected.message is not None:
        folded.messages.append(projected.message)
    if projected.chat is not None:
        folded.chat.append(projected.chat)
    if (view := projected.view) is not None:
        folded.views.setdefault((view.ticket_id, view.up_to_version), view)
