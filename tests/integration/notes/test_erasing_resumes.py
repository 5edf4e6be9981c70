"""An erasure goes on where its process was killed, leaves nothing of the person, and loses nothing else."""

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import asyncpg
import pytest
from notes.privacy import erasing, withheld
from notes.settings import NotesSettings
from relato_contracts.envelope import decode
from relato_contracts.notes import TextErased
from relato_contracts.people import PersonErased
from relato_contracts.topics import ERASURES, NOTES
from relato_runtime.cloudevent import as_line, event_of

from tests.support import killing, stream, world
from tests.support.topics import read_all
from tests.support.waiting import until

TICKETS = [str(number) for number in range(3001, 3007)]
WORDS = "Impressora da Zulmira"


async def _first_ticket(database: asyncpg.Connection) -> None:
    await killing.middle(database, "erase")


async def _topics(database: asyncpg.Connection) -> None:
    await killing.middle(database, "erase", phase="topics")


async def _half_published(database: asyncpg.Connection) -> None:
    """A partition is cut off nowhere, some of its tickets are held back, others are on it twice."""
    await _topics(database)  # else what comes next would be asked as seldom as that takes

    async def begun() -> bool:
        job = await killing.middle(database, "erase", phase="topics")
        return "before" in job.reached and await _withheld(database) > 0

    await until(begun, within=60, what="tickets that are held back")


@pytest.mark.parametrize(("point", "rate"), [(_first_ticket, 2), (_topics, 20), (_half_published, 2)])
async def test_an_erasure_goes_on_where_its_process_was_killed(
    point: Callable[[asyncpg.Connection], Awaitable[None]],
    rate: int,
    notes_settings: NotesSettings,
    log: asyncpg.Connection,
) -> None:
    async with killing.process("notes", notes_settings) as first:
        await _recorded(notes_settings, log)
        await killing.begin(log, erasing.SUBJECT, erasing.ERASE, erasing.wish("ana", _NOW, rate=rate))
        await point(log)
        await killing.kill(first)
    if point is _topics:
        # Killed between the pause and the end of it, which is too short for a test to meet.
        await withheld.pause(log)
    await log.execute("""UPDATE jobs SET wish = wish || '{"rate": 2000}' WHERE kind = 'erase'""")
    async with killing.process("notes", notes_settings):
        await killing.ended(log, "erase")

        async def relayed() -> bool:
            return not await log.fetchval("SELECT count(*) FROM outbox")

        await until(relayed, what="an empty outbox")
    assert await _withheld(log) == 0
    tables = await log.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    for (name,) in tables:
        assert not await log.fetchval(f"SELECT count(*) FROM {name} AS t WHERE t::text LIKE '%Zulmira%'"), (
            name
        )

    records = await read_all(notes_settings, NOTES, count=4 * len(TICKETS))
    assert not [each for each in records if b"Zulmira" in (each.value or b"")]
    versions = {(each.key, dict(each.headers)["ce_streamversion"]) for each in records}
    assert versions == {(key.encode(), b"%d" % version) for key in TICKETS for version in range(1, 5)}
    facts = [decode(each.key, each.value, each.headers) for each in records]
    told = {envelope.id: fact.ticket_id for envelope, fact in facts if isinstance(fact, TextErased)}
    assert Counter(told.values()) == Counter(TICKETS), "each ticket says once that words went"
    people = await read_all(notes_settings, ERASURES, count=1)
    everybody = [decode(each.key, each.value, each.headers) for each in people]
    assert {fact.person_id for _, fact in everybody if isinstance(fact, PersonErased)} == {"ana"}
    assert len({envelope.id for envelope, _ in everybody}) == 1


_NOW = datetime.now(UTC)


async def _withheld(database: asyncpg.Connection) -> int:
    number: int = await database.fetchval("SELECT count(*) FROM withheld")
    return number


async def _recorded(settings: NotesSettings, database: asyncpg.Connection) -> None:
    """Ana's tickets with her words, recorded elsewhere and imported."""
    await world.publish(settings, *world.world(), *(world.ticket(each) for each in TICKETS))
    lines = [(ticket_id, each) for ticket_id in TICKETS for each in _lines(ticket_id)]
    await database.executemany(
        "INSERT INTO imported_lines (ticket_id, version, person_id, line) VALUES ($1, $2, 'olga', $3)",
        [(ticket_id, version, line) for ticket_id, (version, line) in lines],
    )
    await killing.begin(database, "events", "import", {"replay_id": "r", "events": len(lines)})
    await killing.ended(database, "import")


def _lines(ticket_id: str) -> list[tuple[int, str]]:
    """A ticket's stream as an export has it, by version."""
    number = int(ticket_id) * 10
    hers = {"author_id": "ana", "author_name": "Zulmira Prado"}
    given = stream.stream(
        stream.recorded(number, ticket_id=ticket_id, description_text=WORDS, **hers),
        stream.chatted(number + 1, ticket_id=ticket_id, text=WORDS, author_name="Zulmira Prado"),
        stream.chatted(number + 2, ticket_id=ticket_id, text=WORDS, by_requester=False),
    )
    exported = [as_line(event_of(record.value or b"", record.headers)) for record, _, _ in stream.log(given)]
    return list(enumerate(exported, 1))
