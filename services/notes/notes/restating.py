"""What the ITSM's topics still say of somebody who is erased, said once more without it.

These topics are compacted: what is said last takes the place of all that was said of the same key. The ITSM
owns them and has to forget, too; should it say a name again, services take it in without.
"""

from datetime import UTC, datetime

from relato_contracts.envelope import Envelope, Undecodable, decode, encode
from relato_contracts.erasure import forgotten, untold
from relato_contracts.fields import Fact
from relato_contracts.itsm import PersonSaved, TicketSaved
from relato_contracts.topics import PEOPLE, TICKETS, TOPIC_OF
from relato_runtime import tail
from relato_runtime.kafka import OutgoingRecord
from relato_runtime.positions import Record
from relato_runtime.settings import ServiceSettings
from uuid6 import uuid7

from notes.adopt import SOURCE


async def restated(settings: ServiceSettings, person_id: str, by: str) -> list[OutgoingRecord]:
    """The records that say no more of a person, or of what they asked for, than that there was something."""
    left: dict[tuple[str, bytes], Fact] = {}
    async with tail.reading(settings, PEOPLE, TICKETS) as reader:
        begins = await reader.consumer.beginning_offsets(reader.partitions)
        ends = await reader.consumer.end_offsets(reader.partitions)
        for partition in reader.partitions:
            async for records in reader.records(partition, begins[partition], ends[partition]):
                for record in records:
                    place = record.topic, record.key or b""
                    left.pop(place, None)  # whatever was said before is not what stands there now
                    fact = _said(record)
                    without = None if fact is None else less(fact, person_id)
                    if without is not None and without != fact:
                        left[place] = without
    return [_outgoing(settings, fact, by) for fact in left.values()]


def less(fact: Fact, person_id: str) -> Fact | None:
    """Pure: what is left of a fact about this person, or about what they asked for; None for any other."""
    match fact:
        case PersonSaved() if fact.person_id == person_id:
            return forgotten(fact)
        case TicketSaved() if fact.requester_id == person_id:
            return untold(fact)
        case _:
            return None


def _said(record: Record) -> Fact | None:
    if record.value is None:
        return None
    try:
        return decode(record.key, record.value, record.headers, record.timestamp)[1]
    except Undecodable:
        return None


def _outgoing(settings: ServiceSettings, fact: Fact, by: str) -> OutgoingRecord:
    envelope = Envelope(id=str(uuid7()), source=SOURCE, time=datetime.now(UTC), actor=by)
    key, value, headers = encode(fact, envelope)
    return OutgoingRecord(settings.topic_prefix + TOPIC_OF[type(fact)].name, key, value, headers)
