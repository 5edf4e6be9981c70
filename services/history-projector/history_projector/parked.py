"""Tickets whose stream has a gap: their facts wait until what is missing has come. All SQL of that."""

import json
from collections.abc import Mapping, Sequence

import structlog
from aiokafka.structs import ConsumerRecord
from relato_contracts.topics import NOTES
from relato_runtime.database import Connection
from relato_runtime.positions import DeadLetter, Record
from relato_runtime.settling import Parked

from history_projector.fold import Arrival, Folded

log = structlog.get_logger(__name__)


async def settle(connection: Connection, folded: Folded, known: Mapping[str, int | None]) -> None:
    """Park what waits, and release the tickets whose streams went on.

    A ticket with a record that could not be taken in is released by a later record that follows
    its stream without a gap, because then none is missing.
    """
    gone_on = [ticket_id for ticket_id in folded.reached if ticket_id in known]
    if gone_on:
        await connection.execute(_FORGET, gone_on, [folded.tickets[each].last_version for each in gone_on])
    whole = [each for each in gone_on if each not in folded.waiting]
    offsets = {each: known[each] for each in whole}
    released = [each for each, broken in offsets.items() if broken is None or broken <= folded.reached[each]]
    if released:
        await connection.execute("DELETE FROM parked_tickets WHERE ticket_id = ANY($1::text[])", released)
        log.info("tickets released", tickets=released)
    if folded.waiting:
        await _park(connection, folded, known)


async def mark_broken(connection: Connection, letters: Mapping[str, DeadLetter]) -> None:
    """Park tickets, by their ids, for records of their streams that could not be taken in."""
    await connection.execute(
        _MARK,
        list(letters),
        [letter.reason for letter in letters.values()],
        [letter.record.offset for letter in letters.values()],
    )
    log.error("tickets parked", tickets=list(letters), reason="undecodable")


async def given_up(connection: Connection, letter: Parked) -> None:
    """A record that is discarded parks its ticket no longer; what waits for a version goes on waiting."""
    if letter.record.key is None or not letter.record.topic.endswith(NOTES.name):
        return
    ticket_id = letter.record.key.decode(errors="replace")
    given = (letter.record.key, letter.record.offset, letter.consumer, *letter.partition, ticket_id)
    await connection.execute(_GIVE_UP, *given)


async def given_up_before(
    connection: Connection, consumer: str, records: Sequence[Record]
) -> set[tuple[str, int, int]]:
    """Topic, partition and offset of those of these records that somebody has discarded already."""
    if not records:
        return set()
    rows = await connection.fetch(
        """
        SELECT topic, partition, record_offset FROM dead_letters
        WHERE consumer = $1 AND state = 'discarded' AND (topic, partition, record_offset) IN (
            SELECT * FROM unnest($2::text[], $3::int[], $4::bigint[])
        )
        """,
        consumer,
        [each.topic for each in records],
        [each.partition for each in records],
        [each.offset for each in records],
    )
    return {(row["topic"], row["partition"], row["record_offset"]) for row in rows}


async def known(connection: Connection, ticket_ids: Sequence[str]) -> dict[str, int | None]:
    """Which of these tickets are parked, each with the offset of a broken record if that is why."""
    if not ticket_ids:
        return {}
    rows = await connection.fetch(
        "SELECT ticket_id, broken_offset FROM parked_tickets WHERE ticket_id = ANY($1::text[])", ticket_ids
    )
    return {row["ticket_id"]: row["broken_offset"] for row in rows}


async def count(connection: Connection) -> int:
    """How many tickets are parked."""
    number: int = await connection.fetchval("SELECT count(*) FROM parked_tickets")
    return number


async def records(connection: Connection, ticket_ids: Sequence[str]) -> list[Record]:
    """What waits of these tickets, as it came."""
    rows = await connection.fetch(
        "SELECT * FROM parked_records WHERE ticket_id = ANY($1::text[]) ORDER BY ticket_id, version",
        ticket_ids,
    )
    return [
        ConsumerRecord(
            topic=row["topic"],
            partition=row["partition"],
            offset=row["record_offset"],
            timestamp=row["record_timestamp"],
            timestamp_type=0,
            key=row["key"],
            value=row["value"],
            checksum=None,
            serialized_key_size=len(row["key"]),
            serialized_value_size=len(row["value"]),
            headers=[(name, bytes.fromhex(raw)) for name, raw in json.loads(row["headers"])],
        )
        for row in rows
    ]


async def _park(connection: Connection, folded: Folded, known: Mapping[str, int | None]) -> None:
    ids = list(folded.waiting)
    reasons = [folded.waiting[each].reason for each in ids]
    missing = [folded.tickets[each].last_version + 1 for each in ids]
    await connection.execute(_PARK, ids, reasons, missing)
    rows = [
        _row(arrival)
        for waiting in folded.waiting.values()
        for arrival in waiting.arrivals
        if not arrival.parked
    ]
    if rows:
        await connection.execute(_KEEP, rows)
    for ticket_id, reason, version in zip(ids, reasons, missing, strict=True):
        if ticket_id not in known:
            log.error("ticket parked", ticket_id=ticket_id, reason=reason, missing_version=version)


def _row(arrival: Arrival) -> tuple[object, ...]:
    record = arrival.record
    return (
        arrival.noted.fact.ticket_id, arrival.noted.version, record.topic, record.partition, record.offset,
        record.timestamp, record.key, record.value,
        json.dumps([[name, raw.hex()] for name, raw in record.headers]),
    )  # fmt: skip


_PARK = """
    INSERT INTO parked_tickets (ticket_id, reason, missing_version)
    SELECT * FROM unnest($1::text[], $2::text[], $3::int[])
    ON CONFLICT (ticket_id) DO UPDATE SET missing_version = excluded.missing_version
"""
_MARK = """
    INSERT INTO parked_tickets (ticket_id, reason, broken_offset)
    SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
    ON CONFLICT (ticket_id) DO UPDATE SET broken_offset = excluded.broken_offset
"""
_GIVE_UP = """
    WITH left_over AS (
        SELECT max(record_offset) AS broken FROM dead_letters
        WHERE consumer = $3 AND topic = $4 AND partition = $5 AND key = $1 AND state = 'parked'
    ), marked AS (
        UPDATE parked_tickets SET broken_offset = left_over.broken FROM left_over
        WHERE ticket_id = $6 AND broken_offset = $2 AND broken IS NOT NULL
    )
    DELETE FROM parked_tickets AS ticket USING left_over
    WHERE ticket.ticket_id = $6 AND broken_offset = $2 AND broken IS NULL
        AND NOT EXISTS (SELECT FROM parked_records AS waits WHERE waits.ticket_id = ticket.ticket_id)
"""
# What comes again may be without what has been erased since.
_KEEP = """
    INSERT INTO parked_records SELECT * FROM unnest($1::parked_records[])
    ON CONFLICT (ticket_id, version) DO UPDATE SET topic = excluded.topic, partition = excluded.partition,
        record_offset = excluded.record_offset, record_timestamp = excluded.record_timestamp,
        value = excluded.value, headers = excluded.headers
"""
_FORGET = """
    DELETE FROM parked_records USING unnest($1::text[], $2::int[]) AS reached (ticket_id, version)
    WHERE parked_records.ticket_id = reached.ticket_id AND parked_records.version <= reached.version
"""
