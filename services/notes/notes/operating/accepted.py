"""Records about which somebody has decided, since nothing on a topic can be taken back: all SQL of that."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple

from relato_runtime.database import Connection
from relato_runtime.positions import Record

KINDS = ("different", "disorder", "foreign", "scattered", "unexpected")
"""What a verification may find a record to be that stays as it is."""


class Place(NamedTuple):
    """What the last verification found a record to be."""

    kind: str
    ticket_id: str | None
    version: int | None


def digest(record: Record) -> bytes:
    """By which a record is known again: an offset may be given out anew."""
    fact_type = dict(record.headers).get("ce_type") or b""
    return sha256(fact_type + b"\n" + (record.value or b"")).digest()


async def found(connection: Connection, partition: int, offset: int) -> list[Place]:
    """What is wrong with the record at a place, as the last verification has it; nothing where it is well."""
    rows = await connection.fetch(
        """
        SELECT kind, ticket_id, version FROM job_findings
        WHERE job = (SELECT max(id) FROM jobs WHERE kind = 'verify')
            AND partition = $1 AND record_offset = $2 AND kind = ANY($3::text[])
        """,
        *(partition, offset, list(KINDS)),
    )
    return [Place(**dict(row)) for row in rows]


async def accept(connection: Connection, record: Record, kinds: Iterable[str]) -> None:
    """Remember that a record is known to be so; verifications tell it, and do not fail for it."""
    await connection.executemany(
        """
        INSERT INTO accepted_records (topic, partition, record_offset, kind, digest)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (topic, partition, record_offset, kind) DO UPDATE SET digest = excluded.digest
        """,
        [
            (record.topic, record.partition, record.offset, kind, digest(record))
            for kind in sorted(set(kinds))
        ],
    )


async def cut_off(connection: Connection, topic: str, partition: int, before: int) -> None:
    """Forget which records were accepted that lie on the topic no longer: a digest is of what they said."""
    await connection.execute(
        "DELETE FROM accepted_records WHERE topic = $1 AND partition = $2 AND record_offset < $3",
        *(topic, partition, before),
    )


async def known(connection: Connection, records: Sequence[Record], *kinds: str) -> set[tuple[int, int]]:
    """Partition and offset of those of these records that are accepted, as one of these kinds or any."""
    if not records:
        return set()
    rows = await connection.fetch(
        """
        SELECT partition, record_offset, digest FROM accepted_records
        WHERE topic = $1 AND kind = ANY($4::text[]) AND (partition, record_offset) IN (
            SELECT * FROM unnest($2::int[], $3::bigint[])
        )
        """,
        *(records[0].topic, [each.partition for each in records], [each.offset for each in records]),
        list(kinds or KINDS),
    )
    places = {(row["partition"], row["record_offset"], row["digest"]) for row in rows}
    return {
        (each.partition, each.offset)
        for each in records
        if (each.partition, each.offset, digest(each)) in places
    }
