"""What must hold after every fault, judged by what clients were told and never by the log alone."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from aiokafka.structs import TopicPartition
from relato.records import read
from relato_contracts.topics import NOTES

from tests.faults import histories
from tests.faults.load import MARK, Accepted, Load, Told
from tests.faults.site import Site

TYPES = {
    "record": {"relato.OccurrenceRecorded.v1"},
    "correct": {"relato.OccurrenceCorrected.v1"},
    "solve": {"relato.OccurrenceSolved.v1"},
    "retract": {"relato.OccurrenceRetracted.v1"},
    "show": {"relato.OccurrenceVisibilityChanged.v1"},
    "hide": {"relato.OccurrenceVisibilityChanged.v1"},
    "message": {"relato.RequesterMessaged.v1", "relato.AttendantMessaged.v1"},
    "chat": {"relato.ChatMessagePosted.v1"},
    "view": {"relato.HistoryViewed.v1"},
}


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


def promises(load: Load) -> Iterator[tuple[Told, Accepted]]:
    """What was acknowledged and made a fact."""
    for told in load.acknowledged:
        assert told.accepted is not None
        if told.accepted.recorded:
            yield told, told.accepted


async def violations(
    site: Site, load: Load, since: Mapping[TopicPartition, int], mails_before: int
) -> list[str]:
    """Everything that does not hold, as sentences.

    ``since`` is where the topics ended before the run, ``mails_before`` how many mails had come until then.
    """
    log = await _log(site, load)
    return [
        *_in_the_log(load, log),
        *await _on_kafka(site, log, since),
        *await histories.violations(site, load, log),
        *_mails_twice(site, mails_before),
        *await _mails(site, load, log),
    ]


async def _log(site: Site, load: Load) -> dict[tuple[str, int], Logged]:
    async with site.sql("notes") as connection:
        rows = await connection.fetch(
            """
            SELECT ticket_id, version, event_id, type, subject_id, actor, data::text FROM events
            WHERE ticket_id = ANY($1::text[]) ORDER BY ticket_id, version
            """,
            sorted({lane.ticket_id for lane in load.lanes}),
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
        said = told.step.kind == "view" or told.step.token in event.data
        same = (event.actor, str(event.subject_id)) == (told.step.person, str(subject))
        if event.type not in TYPES[told.step.kind] or not said or not same:
            yield f"{what} was acknowledged and the log has {event.type} of {event.actor} there"
    if len(promised) != sum(1 for _ in promises(load)):
        yield "two commands were told the same version"
    for place, event in log.items():
        if place not in promised:
            yield f"the log has {event.type} at {place}, which nobody was told"


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


def _mails_twice(site: Site, mails_before: int) -> Iterator[str]:
    """Mails of this run or of any before that came during this run for a second time."""
    numbers = Counter(each.message_id for each in site.mails.contents if each.taken)
    now = {each.message_id for each in site.mails.contents[mails_before:] if each.taken}
    for message_id in sorted(now):
        if numbers[message_id] > 1:
            yield f"the mail {message_id} was taken {numbers[message_id]} times"


async def _mails(site: Site, load: Load, log: Mapping[tuple[str, int], Logged]) -> list[str]:
    """None that may have gone out is thought not to have, and what was promised is decided."""
    found = [
        f"internal text went to {each.recipient}"
        for each in site.mails.contents
        if any(MARK in str(part.get_content()) for part in each.message.walk() if not part.is_multipart())
    ]
    async with site.sql("notifier") as connection:
        rows = await connection.fetch(
            "SELECT event_id, message_id, recipient, state FROM mails WHERE ticket_id = ANY($1::text[])",
            sorted({ticket_id for ticket_id, _ in log}),
        )
    async with site.sql("history") as connection:
        told = await connection.fetch(
            "SELECT event_id, recipient, state FROM history.email_outcomes WHERE ticket_id = ANY($1::text[])",
            sorted({ticket_id for ticket_id, _ in log}),
        )
    shown = {(row["event_id"], row["recipient"]): row["state"] for row in told}
    taken = {each.message_id: each for each in site.mails.contents if each.taken}
    by_event: defaultdict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        by_event[row["event_id"]].append(row)
        state = "rejected" if row["state"] == "dead" else row["state"]
        if shown.get((row["event_id"], row["recipient"])) != state:
            found.append(f"a mail is {row['state']} and its ticket's history does not say so")
        content = taken.get((row["message_id"] or "").strip())
        if row["state"] == "accepted" and content is None:
            found.append(f"the mail {row['message_id']} counts as accepted and never arrived")
        if content is not None and row["state"] not in {"accepted", "uncertain"}:
            found.append(f"the mail {row['message_id']} arrived and counts as {row['state']}")
        if content is not None and content.answer is None and row["state"] != "uncertain":
            found.append(f"the mail {row['message_id']} was never answered and is not uncertain")
    for told_, accepted in promises(load):
        mails = (
            by_event[log[accepted.ticket_id, accepted.version].event_id]
            if ((accepted.ticket_id, accepted.version) in log)
            else []
        )
        if accepted.notification == "planned" and not mails:
            found.append(f"the mail about {told_.step.token} was promised and never planned")
        if accepted.notification == "none" and mails and told_.step.kind != "chat":
            found.append(f"a mail about {told_.step.token} that nobody asked for")
    return found
