"""Dead letters about what was erased, which are to say nothing any more: all SQL of that.

A record that could not be taken in is kept byte for byte, and of a broken one nobody can tell what it says.
So it goes by what it has around that, too: its key, who did it, its place in a ticket's stream.
"""

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from aiokafka.structs import TopicPartition
from relato_contracts.erasure import ERASED
from relato_contracts.fields import Fact
from relato_contracts.itsm import TicketSaved
from relato_contracts.notes import TextErased
from relato_contracts.topics import PEOPLE

from relato_runtime.database import Connection
from relato_runtime.decoded import Decoded
from relato_runtime.positions import DeadLetter, Record, columns

_VERSION = "ce_streamversion"
_SILENCED = "relato-openings"
"""Of records of events whose texts were erased before they were published."""


class Letter(NamedTuple):
    """A dead letter, as far as it can be told without its value which one it is."""

    number: int
    topic: str
    partition: int
    offset: int
    key: bytes
    headers: str


async def about(connection: Connection, person_id: str) -> int:
    """How many say something of a person."""
    number: int = await connection.fetchval(
        f"""
        SELECT count(*) FROM dead_letters, (SELECT $1::text AS person_id) AS person WHERE {_ABOUT}
        """,  # noqa: S608  # constants
        person_id,
    )
    return number


async def forget(connection: Connection, person_id: str) -> None:
    """Let them say nothing."""
    await connection.execute(
        f"UPDATE dead_letters {_EMPTY} FROM (SELECT $2::text AS person_id) AS person WHERE {_ABOUT}",
        *(ERASED, person_id),
    )


async def come_late(connection: Connection, consumer: str, letters: Sequence[DeadLetter]) -> bool:
    """Let those that were kept just now say nothing of people who were erased before; whether any did."""
    places = columns({TopicPartition(each.record.topic, each.record.partition) for each in letters})
    rows = await connection.fetch(
        f"""
        UPDATE dead_letters {_EMPTY} FROM erased_people AS person
        WHERE consumer = $2 AND (topic, partition) IN (SELECT * FROM unnest($3::text[], $4::int[]))
            AND record_offset = ANY($5::bigint[]) AND {_ABOUT}
        RETURNING id
        """,  # noqa: S608  # constants
        *(ERASED, consumer, *places, [each.record.offset for each in letters]),
    )
    return bool(rows)


async def follow(connection: Connection, taken_in: Iterable[Decoded]) -> bool:
    """Let those say nothing whose texts are erased, as facts say that were taken in; whether any did."""
    erasing = [(record, fact) for record, _, fact in taken_in if record.key is not None and _erases(fact)]
    if not erasing:
        return False
    rows = await connection.fetch(
        f"""
        SELECT id, topic, partition, record_offset, key, headers::text FROM dead_letters
        WHERE (topic, key) IN (SELECT * FROM unnest($1::text[], $2::bytea[])) AND {_SAYS}
        """,  # noqa: S608  # constants
        *([record.topic for record, _ in erasing], [record.key for record, _ in erasing]),
    )
    letters = [Letter(*row) for row in rows]
    gone = {each.number for each in letters for record, fact in erasing if goes(each, record, fact)}
    if gone:
        await connection.execute(
            f"UPDATE dead_letters {_EMPTY} WHERE id = ANY($2::bigint[])",  # constants
            *(ERASED, sorted(gone)),
        )
    return bool(gone)


def goes(letter: Letter, record: Record, fact: Fact | None) -> bool:
    """Pure: whether a fact of the same key says that what the letter holds is erased.

    That is so of the versions that are named, unless the letter came without their words; what has no
    version, and came before, may hold any of them.
    """
    if (letter.topic, letter.key) != (record.topic, record.key):
        return False
    headers: dict[str, str | None] = dict(json.loads(letter.headers))
    if isinstance(fact, TextErased) and (version := _number(headers.get(_VERSION))) is not None:
        return version in fact.versions and _SILENCED not in headers
    return letter.partition != record.partition or letter.offset < record.offset


def _erases(fact: Fact | None) -> bool:
    return isinstance(fact, TextErased) or (isinstance(fact, TicketSaved) and fact.title == ERASED)


def _number(raw: str | None) -> int | None:
    text = bytes.fromhex(raw or "").decode(errors="replace")
    return int(text) if text.isascii() and text.isdigit() else None


_SAYS = "(value IS NOT NULL OR headers::text <> '[]')"
# An id stands in facts as JSON has it, and in headers, which are kept in hexadecimal, as who did something.
_ABOUT = f"""
    {_SAYS} AND (
        position(convert_to('"' || person.person_id || '"', 'UTF8') IN value) > 0
        OR key = convert_to(person.person_id, 'UTF8') AND topic LIKE '%{PEOPLE.name}'
        OR position(
            '["ce_actor", "' || encode(convert_to(person.person_id, 'UTF8'), 'hex') || '"]' IN headers::text
        ) > 0
    )
"""
_EMPTY = """
    SET value = NULL, headers = '[]', error = '', settled_by = $1, settled_why = $1,
        state = CASE state WHEN 'parked' THEN 'discarded' ELSE state END,
        settled_at = coalesce(settled_at, now())
"""
