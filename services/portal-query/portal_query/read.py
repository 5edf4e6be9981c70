"""What executors read: all SQL on the views of ``history``, as the role ``portal_executor``.

Who may see a ticket is part of each statement; without access there are no rows.
"""

import json
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias
from uuid import UUID

import asyncpg
from relato_runtime.database import Pool

from portal_query import history_statements, statements

Row: TypeAlias = asyncpg.Record

LAST = datetime(9999, 12, 31, tzinfo=UTC)
"""Later than anything: where a list that begins with the newest begins."""
_LAST_VERSION = 2**31 - 1
_LAST_ID = UUID(int=2**128 - 1)

EntryPlace = tuple[datetime, int, UUID]
"""Where an entry stands in a history: when it was recorded, its version and its event."""
NEWEST: EntryPlace = (LAST, _LAST_VERSION, _LAST_ID)


@dataclass(frozen=True, slots=True)
class Filters:
    """Which tickets of the desk are asked for; None asks for all."""

    search: str | None = None
    statuses: Sequence[str] | None = None
    group_id: str | None = None
    assignee_id: str | None = None
    ticket_ids: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of a ticket's history is asked for."""

    kinds: Sequence[str]
    search: str | None
    before: EntryPlace
    limit: int
    as_of: datetime | None = None
    author_id: str | None = None

    def named(self, of: str) -> str:
        """A list's name for its cursors: what is asked for in another way is another list."""
        return json.dumps([of, *self.kinds, self.search, self.author_id, self.as_of and str(self.as_of)])


@dataclass(frozen=True, slots=True)
class Rows:
    """Part of a ticket's history, how far the projection had come, and which of its parts are shown."""

    last_version: int
    occurrences_shown: bool
    chat_enabled: bool
    rows: Sequence[Row]
    said: Hashable = None
    """What the ticket itself is said to be, where a statement gives that."""


async def tickets(
    pool: Pool, person_id: str, filters: Filters, before: tuple[datetime, str], limit: int
) -> list[Row]:
    """Tickets that the person may see, last activity first."""
    return await pool.fetch(
        statements.DESK[filters.search is not None, filters.ticket_ids is not None],
        *(person_id, *before, filters.statuses, filters.group_id, filters.assignee_id, limit),
        *(() if filters.search is None else (statements.pattern(filters.search),)),
        *(() if filters.ticket_ids is None else (filters.ticket_ids,)),
    )


async def is_executor(pool: Pool, person_id: str) -> bool:
    """Whether there is any group whose tickets the person may see."""
    return bool(await pool.fetchval(statements.IS_EXECUTOR, person_id))


async def who_may_see(pool: Pool, person_ids: Collection[str], ticket_id: str) -> set[str]:
    """Those of the people who may see a ticket."""
    rows = await pool.fetch(statements.WHO_MAY_SEE, list(person_ids), ticket_id)
    return {row["person_id"] for row in rows}


async def ticket(pool: Pool, person_id: str, ticket_id: str) -> Row | None:
    """One ticket, if the person may see it."""
    return await pool.fetchrow(statements.TICKET, person_id, ticket_id)


async def history(pool: Pool, person_id: str, ticket_id: str, asked: Asked) -> Rows | None:
    """A ticket's history, newest first.

    Up to a moment, its rows are to be folded by ``as_of``, else they say what is so now.
    """
    moment = () if asked.as_of is None else (asked.as_of,)
    search = () if asked.search is None else (statements.pattern(asked.search),)
    statement = history_statements.OF[bool(moment), bool(search)]
    place = (*asked.before, asked.kinds, asked.limit, asked.author_id)
    return _rows(await pool.fetch(statement, person_id, ticket_id, *place, *moment, *search), "kind")


async def everything_then(pool: Pool, ticket_id: str, asked: Asked) -> Rows | None:
    """A ticket's history up to a moment, whoever may see it and whatever is switched off; to be folded."""
    place = (*asked.before, asked.kinds, asked.limit, asked.author_id)
    rows = await pool.fetch(history_statements.EVERYTHING_THEN, "", ticket_id, *place, asked.as_of)
    return _rows(rows, "kind")


async def authors(pool: Pool, person_id: str, ticket_id: str) -> Sequence[Row]:
    """Who wrote or did anything in a ticket's history: id and name."""
    return await pool.fetch(history_statements.AUTHORS, person_id, ticket_id)


async def about(pool: Pool, person_id: str, ticket_id: str, ids: Collection[UUID]) -> list[Row]:
    """The facts about notes of these ids, in order, and the messages that have one."""
    facts = await pool.fetch(history_statements.SUBJECTS, person_id, ticket_id, list(ids))
    others = list(set(ids) - {fact["subject_id"] for fact in facts})
    if not others:
        return facts
    return facts + await pool.fetch(history_statements.MESSAGES, person_id, ticket_id, others)


async def chat(
    pool: Pool, person_id: str, ticket_id: str, before_version: int | None, limit: int
) -> Rows | None:
    """A ticket's chat, newest first."""
    before = _LAST_VERSION if before_version is None else before_version
    return _rows(await pool.fetch(history_statements.CHAT, person_id, ticket_id, before, limit), "version")


async def mails(
    pool: Pool, person_id: str, ticket_id: str, before: tuple[datetime, UUID] | None, limit: int
) -> Rows | None:
    """What became of a ticket's mails, latest first."""
    place = before or (LAST, _LAST_ID)
    return _rows(await pool.fetch(history_statements.MAILS, person_id, ticket_id, *place, limit), "mail_id")


async def uncertain_chat_mails(pool: Pool, ticket_id: str) -> list[Row]:
    """Mails about chat that may not have come, of a ticket that the reader may see."""
    return await pool.fetch(history_statements.UNCERTAIN_CHAT_MAILS, ticket_id)


async def since(
    pool: Pool, person_id: str, ticket_id: str, version: int, recorded_after: datetime
) -> Rows | None:
    """What the ticket's stream has beyond a version, in order, and the occurrences that it changed.

    Only what was recorded after a moment is looked at, which costs the same for any length of a
    history, unless that turns out not to be all there is.
    """
    for after in (recorded_after, datetime.min.replace(tzinfo=UTC)):
        rows = await pool.fetch(history_statements.SINCE, person_id, ticket_id, after, version)
        if not rows or rows[0]["found"] >= rows[0]["ticket_version"] - version:
            break
    return _rows(rows, "kind")


async def outside(pool: Pool, ticket_id: str, limit: int) -> list[Row]:
    """The latest entries that stand outside of the ticket's stream, newest first: id and time."""
    return await pool.fetch(history_statements.OUTSIDE, ticket_id, limit)


async def entries(pool: Pool, person_id: str, ticket_id: str, event_ids: Sequence[UUID]) -> Rows | None:
    """These of the entries that stand outside of the ticket's stream, in order."""
    return _rows(await pool.fetch(history_statements.ENTRIES, person_id, ticket_id, event_ids), "kind")


def _rows(rows: Sequence[Row], column: str) -> Rows | None:
    """A statement about a ticket gives one row without ``column`` when its list is empty."""
    if not rows:
        return None
    first = rows[0]
    return Rows(
        first["ticket_version"],
        first["occurrences_shown"],
        first["chat_enabled"],
        [row for row in rows if row[column] is not None],
    )
