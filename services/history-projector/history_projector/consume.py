"""Batches of records into one generation's tables: sort, load, fold, write, tell."""

import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import cast

from prometheus_client import Counter, Histogram
from relato_contracts.envelope import Envelope, Undecodable, decode, event_uuid
from relato_contracts.itsm import TicketSaved
from relato_contracts.notes import NoteEvent, NoteFact, TextErased
from relato_contracts.notifications import EmailFact, EmailOutcome
from relato_contracts.topics import NOTES, NOTIFICATIONS, TICKETS
from relato_runtime import erased
from relato_runtime.database import Connection
from relato_runtime.decoded import Decoded
from relato_runtime.positions import DeadLetter, Record

from history_projector import erasing, generations, making, parked, tables
from history_projector.facts import Mailed, Noted, Saved
from history_projector.fold import Arrival, Batch, changed_occurrences, fold

TOPICS = (TICKETS, NOTES, NOTIFICATIONS)
PROJECTED = Counter(
    "relato_projected_facts", "Facts of tickets' streams, by what became of them", ["outcome"]
)

DELAY = Histogram(
    "relato_projection_delay_seconds",
    "From an event's recording to its rows in the live generation",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
)

_NOTHING: Mapping[tuple[str, int], int] = MappingProxyType({})
TICKET_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
_TICKETS_A_NOTICE = 100  # ids have at most 64 characters, and a notification 8,000 bytes


class Projector:
    """What the consumer of one generation does with its records, inside its transaction."""

    def __init__(self, generation: int) -> None:
        self._generation = generation
        self._writing: list[float] = []
        self.live = False
        """Whether it is what people read."""

    async def apply(self, connection: Connection, decoded: Sequence[Decoded]) -> Sequence[DeadLetter]:
        """Write what the records mean; returns those that cannot be taken in, whose tickets wait."""
        self._writing.clear()
        taken_over = await self._taken_over(connection, decoded)
        instead = await erased.taken_in(connection, (fact for _, _, fact in decoded))
        if instead:
            decoded = [(record, of, fact and instead.get(fact, fact)) for record, of, fact in decoded]
        batch = sort(decoded, taken_over)
        await self.broken(connection, batch.refused)
        ticket_ids = batch.ticket_ids
        tickets = await tables.lock_tickets(connection, ticket_ids)
        stopped = await parked.known(connection, list(batch.streams))
        goes_on = [each for each in stopped if tickets[each].last_version + 1 in batch.streams[each]]
        if goes_on:
            _add_parked(batch, await parked.records(connection, goes_on))
        changed = changed_occurrences(
            arrival for stream in batch.streams.values() for arrival in stream.values()
        )
        folded = fold(tickets, await tables.load_occurrences(connection, changed), batch)
        await tables.write(connection, folded)
        await erasing.erase(connection, folded.erased)
        await erasing.untitle(connection, batch.saved)
        await erasing.unaddress(connection, batch.mailed)
        await parked.settle(connection, folded, stopped)
        await tables.notify(connection, self._generation, _notices(ticket_ids))
        self._writing += [entry.recorded_at.timestamp() for entry in folded.entries if entry.version]
        PROJECTED.labels("applied").inc(len(folded.entries))
        PROJECTED.labels("duplicate").inc(folded.duplicates)
        PROJECTED.labels("parked").inc(sum(len(each.arrivals) for each in folded.waiting.values()))
        return folded.refused

    def committed(self) -> None:
        """What was written can be read from now on."""
        if self.live:
            now = time.time()
            for recorded in self._writing:
                DELAY.observe(now - recorded)
        self._writing.clear()

    async def _taken_over(
        self, connection: Connection, decoded: Sequence[Decoded]
    ) -> Mapping[tuple[str, int], int]:
        """Before which offsets entries are there already; a boundary that this batch reaches is forgotten."""
        ends = {
            (record.topic, record.partition): record.offset + 1
            for record, _, _ in decoded
            if record.topic.endswith(TICKETS.name)
        }
        if not ends:
            return {}
        boundaries = await making.boundaries(connection, self._generation)
        for (topic, partition), boundary in boundaries.items():
            if ends.get((topic, partition), 0) >= boundary:
                await making.passed(connection, self._generation, topic, partition)
        return boundaries

    async def broken(self, connection: Connection, letters: Sequence[DeadLetter]) -> None:
        """Park the tickets whose records could not be decoded, unless somebody has given those up."""
        consumer = generations.consumer(self._generation)
        given_up = await parked.given_up_before(connection, consumer, [each.record for each in letters])
        await _mark(
            connection,
            [
                each
                for each in letters
                if (each.record.topic, each.record.partition, each.record.offset) not in given_up
            ],
        )


def sort(decoded: Iterable[Decoded], taken_over: Mapping[tuple[str, int], int] = _NOTHING) -> Batch:
    """The records by ticket and kind; what is not of the kind that its topic promises is refused.

    States of tickets before the offsets in ``taken_over``, by topic and partition, leave no entries.
    """
    batch = Batch()
    for record, envelope, fact in decoded:
        try:
            if fact is None or isinstance(fact, TicketSaved):
                known = record.offset < taken_over.get((record.topic, record.partition), 0)
                batch.saved.append(saved(record, envelope, fact, taken_over=known))
            elif isinstance(fact, NoteFact | TextErased):
                came = arrival(record, envelope, fact)
                batch.streams.setdefault(fact.ticket_id, {})[came.noted.version] = came
            elif isinstance(fact, EmailFact):
                outcome = cast(EmailOutcome, fact)  # its only subclasses
                batch.mailed.append(Mailed(event_uuid(envelope), envelope.time, outcome))
            else:
                raise TypeError(f"{type(fact).__name__} is not about a ticket's history")
        except Undecodable as error:
            batch.refused.append(DeadLetter(record, error.reason, str(error)))
    return batch


def saved(record: Record, envelope: Envelope, fact: TicketSaved | None, *, taken_over: bool) -> Saved:
    """A ticket as the ITSM says it is; without a fact there is none any more."""
    if fact is None:
        ticket_id = (record.key or b"").decode()
        key = f"{record.topic} {record.partition} {record.offset}"
        return Saved(ticket_id, key, envelope.time, None, None, taken_over)
    key = f"{envelope.source} {envelope.id}"
    return Saved(fact.ticket_id, key, envelope.time, envelope.actor, fact, taken_over)


def arrival(record: Record, envelope: Envelope, fact: NoteFact | TextErased) -> Arrival:
    """A fact of a stream at its place; ``Undecodable`` for one that has none."""
    if envelope.stream_version is None:
        raise Undecodable("missing-attribute", "header 'ce_streamversion' is missing")
    event = cast(NoteEvent, fact)  # its only subclasses
    return Arrival(Noted(envelope.stream_version, event_uuid(envelope), envelope.time, event), record)


def _add_parked(batch: Batch, records: Iterable[Record]) -> None:
    """What waited joins what came now; where both have a version, the newcomer may be a repair."""
    for record in records:
        if record.value is None:
            raise TypeError("a parked record has no value")
        envelope, fact = decode(record.key, record.value, record.headers, record.timestamp)
        if not isinstance(fact, NoteFact | TextErased):
            raise TypeError(f"{type(fact).__name__} was parked")
        noted = arrival(record, envelope, fact).noted
        batch.streams[fact.ticket_id].setdefault(noted.version, Arrival(noted, record, parked=True))


async def _mark(connection: Connection, letters: Iterable[DeadLetter]) -> None:
    """Only a ticket's stream has an order, so only there does a lost record hold up others."""
    of_streams = {
        letter.record.key.decode(): letter
        for letter in letters
        if letter.record.topic.endswith(NOTES.name)
        and letter.record.key is not None
        and TICKET_ID.fullmatch(letter.record.key)
    }
    if of_streams:
        await parked.mark_broken(connection, of_streams)


def _notices(ticket_ids: Sequence[str]) -> list[str]:
    starts = range(0, len(ticket_ids), _TICKETS_A_NOTICE)
    return [json.dumps({"tickets": ticket_ids[at : at + _TICKETS_A_NOTICE]}) for at in starts]
