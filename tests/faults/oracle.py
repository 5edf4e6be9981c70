"""What must hold after every fault, judged by what clients were told and never by the log alone."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from aiokafka.structs import TopicPartition
from relato.records import read
from relato_contracts.topics import NOTES

from tests.faults import histories, ledger, refusals, secrecy
from tests.faults.load import Accepted, Load, Told
from tests.faults.site import Site
from tests.faults.streams import Streams

TYPES = {
    "record": {"relato.OccurrenceRecorded.v1"},
    "correct": {"relato.OccurrenceCorrected.v1"},
    "solve": {"relato.OccurrenceSolved.v1"},
    "retract": {"relato.OccurrenceRetracted.v1"},
    "show": {"relato.OccurrenceVisibilityChanged.v1"},
    "hide": {"relato.OccurrenceVisibilityChanged.v1"},
    "undo": {"relato.OccurrenceRetracted.v1"},
    "message": {"relato.RequesterMessaged.v1", "relato.AttendantMessaged.v1"},
    "chat": {"relato.ChatMessagePosted.v1"},
    "view": {"relato.HistoryViewed.v1"},
}
_SAY_NOTHING = {"view", "undo"}


@dataclass(frozen=True, slots=True)
class Logged:
    """An event as the log has it."""

    ticket_id: str
    version: int
    event_id: UUID
    type: str
    subject_id: UUID | None
    actor: str
    data: str

    @property
    def release_outcome(self) -> str | None:
        """What became of an occurrence that was held back, where the event says so."""
        fact: dict[str, Any] = json.loads(self.data)
        return fact.get("release_outcome")

    @property
    def is_release(self) -> bool:
        """Whether it shows, by itself, what was held back."""
        return self.release_outcome == "shown"


def promises(load: Load) -> Iterator[tuple[Told, Accepted]]:
    """What was acknowledged and made a fact."""
    for told in load.acknowledged:
        if told.accepted is not None and told.accepted.recorded:
            yield told, told.accepted


async def violations(
    site: Site, load: Load, streams: Streams, since: Mapping[TopicPartition, int], mails_before: int
) -> list[str]:
    """Everything that does not hold, as sentences.

    ``since`` is where the topics ended before the run, ``mails_before`` how many mails had come until then.
    """
    log = await _log(site, load)
    return [
        *refusals.violations(load),
        *_in_the_log(load, log),
        *_released(load, log),
        *await _on_kafka(site, log, since),
        *await histories.violations(site, load, log),
        *await ledger.violations(site, load, log, mails_before),
        *await secrecy.violations(site, load, streams, mails_before),
    ]


async def _log(site: Site, load: Load) -> dict[tuple[str, int], Logged]:
    async with site.sql("notes") as connection:
        rows = await connection.fetch(
            """
            SELECT ticket_id, version, event_id, type, subject_id, actor, data::text FROM events
            WHERE ticket_id = ANY($1::text[]) ORDER BY ticket_id, version
            """,
            sorted(load.tickets),
        )
    return {(row["ticket_id"], row["version"]): Logged(**dict(row)) for row in rows}


def _in_the_log(load: Load, log: Mapping[tuple[str, int], Logged]) -> Iterator[str]:
    """Once each, and nothing but what was acknowledged, since in the end everything is known."""
    promised = {(accepted.ticket_id, accepted.version): told for told, accepted in promises(load)}
    for told, accepted in promises(load):
        event = log.get((accepted.ticket_id, accepted.version))
        what = f"{told.step.kind} {told.step.token} (version {accepted.version} of {accepted.ticket_id})"
        if event is None:
            yield f"{what} was acknowledged and is not in the log"
            continue
        subject = accepted.occurrence_id or accepted.message_id
        said = told.step.kind in _SAY_NOTHING or told.step.token in event.data
        same = (event.actor, str(event.subject_id)) == (told.step.person, str(subject))
        if event.type not in TYPES[told.step.kind] or not said or not same:
            yield f"{what} was acknowledged and the log has {event.type} of {event.actor} there"
    if len(promised) != sum(1 for _ in promises(load)):
        yield "two commands were told the same version"
    for place, event in log.items():
        if place not in promised and not event.is_release:
            yield f"the log has {event.type} at {place}, which nobody was told"


def _released(load: Load, log: Mapping[tuple[str, int], Logged]) -> Iterator[str]:
    """What was held back was shown by itself once, what was taken back perhaps, what was undone never."""
    numbers = Counter(str(each.subject_id) for each in log.values() if each.is_release)
    ended = {
        told.step.about: told.step.kind
        for told in load.acknowledged
        if told.step.kind in {"undo", "hide", "retract"}
    }
    undone = {told.step.about for told in load.acknowledged if told.step.kind == "undo"}
    for told, accepted in promises(load):
        number = numbers.pop(str(accepted.occurrence_id), 0) if told.step.kind == "record" else 0
        if told.step.kind != "record":
            continue
        token = told.step.token
        if bool(told.step.hold) != (accepted.release_at is not None):
            yield f"{token} was to be held for {told.step.hold} s and the answer says {accepted.release_at}"
        most = 0 if token in undone or not told.step.hold else 1
        least = 0 if token in ended else most
        if not least <= number <= most:
            yield f"{token}, held for {told.step.hold} s, was shown by itself {number} times"
    yield from (f"{subject} was shown by itself, which nobody held back" for subject in numbers)


async def _on_kafka(
    site: Site, log: Mapping[tuple[str, int], Logged], since: Mapping[TopicPartition, int]
) -> list[str]:
    """In order per ticket and without holes, once duplicates by version are dropped."""
    found: list[str] = []
    reached: defaultdict[str, int] = defaultdict(int)
    tickets = {ticket_id for ticket_id, _ in log}
    async for records in read(site.kafka, [NOTES]):
        for record in sorted(records, key=lambda each: (each.partition, each.offset)):
            key = (record.key or b"").decode(errors="replace")
            partition = TopicPartition(record.topic, record.partition)
            if key not in tickets or record.offset < since.get(partition, 0):
                continue
            headers = dict(record.headers)
            text = (headers.get("ce_streamversion") or b"").decode(errors="replace")
            if not text.isdigit():
                continue  # one that the fault put there
            version = int(text)
            if version > reached[key] + 1:
                found.append(f"on Kafka version {version} of {key} follows {reached[key]}")
            reached[key] = max(reached[key], version)
            event = log.get((key, version))
            same = event is not None and (headers["ce_id"], record.value) == (
                str(event.event_id).encode(),
                event.data.encode(),
            )
            if not same:
                found.append(f"on Kafka version {version} of {key} is not what the log has")
    last = Counter(ticket_id for ticket_id, _ in log)
    found += [
        f"on Kafka {ticket_id} ends at {reached[ticket_id]} of {number}"
        for ticket_id, number in last.items()
        if reached[ticket_id] != number
    ]
    return found
