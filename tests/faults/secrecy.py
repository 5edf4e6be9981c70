"""No internal text reaches a requester: by no page, answer, stream, mail or table of theirs."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator
from email.message import EmailMessage

from tests.faults import reading, standing
from tests.faults.asked import MARK
from tests.faults.load import Load, Told
from tests.faults.site import Site
from tests.faults.streams import Streams

_HEARD_SHARE = 0.5
"""Of what requesters see in the end, so much came on their streams at least."""
_EARLY_SECONDS = 0.2
"""Clocks of processes are read at different moments."""


async def violations(site: Site, load: Load, streams: Streams, mails_before: int) -> list[str]:
    """Where something is that a requester must not see, or must not have seen so early."""
    forbidden = {MARK, *_undone(load)}
    found = list(_heard(load, streams))
    if site.clock is None:  # by a clock that is stepped, nobody can say when something is due
        found += _early(load, streams)
    for ticket_id, heard in streams.heard.items():
        found += _leaks(f"a stream of {ticket_id}", "\n".join(each.line for each in heard), forbidden)
    async for where, text in _readable(site, load):
        found += _leaks(where, text, forbidden)
    for mail in site.mails.contents[mails_before:]:
        found += _leaks(f"a mail to {mail.recipient}", _words(mail.message), forbidden)
    return found + [each async for each in _tables(site, forbidden)]


def _leaks(where: str, text: str, forbidden: Collection[str]) -> Iterator[str]:
    yield from (f"{where} says {word}" for word in sorted(forbidden) if word in text)


def _undone(load: Load) -> set[str]:
    """What stands in notes whose sending was undone before anybody saw them."""
    gone = {told.step.about for told in load.acknowledged if told.step.kind == "undo"}
    return {told.step.token for told in load.told if {told.step.token, told.step.about} & gone - {None}}


def _heard(load: Load, streams: Streams) -> Iterator[str]:
    """Streams that told nothing would have kept every secret."""
    shown = {
        (ticket_id, each.text)
        for ticket_id in load.tickets
        for each in standing.expected(load, ticket_id).shown.values()
    }
    yield from (f"{path} is invalid, so that nobody heard it" for path in sorted(streams.invalid))
    number = sum(streams.first(*each) is not None for each in shown)
    if number < _HEARD_SHARE * len(shown):
        yield f"of {len(shown)} texts that requesters see, their streams told {number}"


def _early(load: Load, streams: Streams) -> Iterator[str]:
    """What was held back, and not shown before its time."""
    held = {told.step.token: told for told in load.acknowledged if told.step.hold}
    for told in load.told:
        record: Told | None = held.get(told.step.about or told.step.token)
        came = None if record is None else streams.first(told.ticket_id, told.step.token)
        if record is not None and came is not None:
            missing = record.sent_at + record.step.hold - came
            if missing > _EARLY_SECONDS:
                yield f"{told.step.token} was to be held back, and came {missing:.1f} s early"


async def _readable(site: Site, load: Load) -> AsyncIterator[tuple[str, str]]:
    """All that requesters can ask for through the front door, as text."""
    for requester in sorted(set(load.tickets.values())):
        yield f"/my/requests of {requester}", str(await reading.items(site, requester, "/my/requests"))
        yield f"/portal of {requester}", (await reading.answer(site, requester, "/portal")).text
    for ticket_id, requester in sorted(load.tickets.items()):
        mine = f"/my/requests/{ticket_id}"
        asked = (
            reading.answer(site, requester, f"/api/portal{mine}"),
            reading.answer(site, requester, f"/portal/requests/{ticket_id}"),
        )
        for each in await asyncio.gather(*asked):
            yield str(each.url.path), each.text
        for path in (f"{mine}/history", f"{mine}/chat"):
            yield path, str(await reading.items(site, requester, path))


def _words(message: EmailMessage) -> str:
    """Everything in a mail that somebody can read: the headers of all parts, decoded, and all bodies."""
    said: list[str] = []
    for part in message.walk():
        said += [f"{name}: {value}" for name, value in part.items()]
        if not part.is_multipart():
            said.append(str(part.get_content()))
    return "\n".join(said)


async def _tables(site: Site, forbidden: Collection[str]) -> AsyncIterator[str]:
    """Whatever the role of requesters may read, and their tables in every generation."""
    patterns = [f"%{word}%" for word in forbidden]
    async with site.sql("history") as sql:
        rows = await sql.fetch(
            r"""
            SELECT format('%I.%I', n.nspname, c.relname) AS name
            FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
                AND (
                    has_table_privilege('portal_requester', c.oid, 'SELECT')
                    OR c.relname LIKE 'requester\_%'
                )
            """
        )
        names = [str(row["name"]) for row in rows]
        bases = [name for name in names if name.startswith("history_") and "_views." not in name]
        if not any(name.endswith(".requester_entries") for name in bases):
            yield f"the tables of requesters are not among {names}"
        for name in names:
            # Names from the catalogue, which cannot be parameters.
            number: int = await sql.fetchval(
                f"SELECT count(*) FROM {name} AS row WHERE row::text LIKE ANY ($1::text[])", patterns
            )
            if number:
                yield f"{number} rows of {name} hold what requesters must not see"
