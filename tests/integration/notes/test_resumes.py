"""Replays and imports go on where their process was killed, and leave nothing out."""

import asyncpg
from notes.operating.importing import arrivals
from notes.settings import NotesSettings
from relato_contracts.topics import NOTES
from relato_runtime import jobs
from relato_runtime.cloudevent import as_line, event_of

from tests.integration.notes.test_republish import headers
from tests.support import killing, stream
from tests.support.topics import read_all
from tests.support.waiting import until

TICKETS = [str(number) for number in range(3001, 3013)]


async def test_a_replay_goes_on_where_its_process_was_killed(
    notes_settings: NotesSettings, log: asyncpg.Connection
) -> None:
    await log.execute(
        """
        INSERT INTO events (ticket_id, version, seq, event_id, type, actor, correlation_id, recorded_at, data)
        SELECT 'a', version, nextval('events_seq'), gen_random_uuid(), 'relato.HistoryViewed.v1', 'ana', 'c',
            now(), '{}'
        FROM generate_series(1, 300) AS version
        """
    )
    await log.execute("INSERT INTO streams (ticket_id, version) VALUES ('a', 300)")
    topic = notes_settings.topic_prefix + NOTES.name
    wish: dict[str, object] = dict.fromkeys(("ticket_id", "type", "since", "until"))
    async with killing.process("notes", notes_settings) as first:
        await killing.begin(log, "events", "republish", wish | {"topic": topic, "rate": 50, "replay_id": "r"})
        await killing.middle(log, "republish")
        await killing.kill(first)
    left = await jobs.latest(log, "republish")
    assert left is not None
    assert 0 < left.done < 300
    await log.execute("""UPDATE jobs SET wish = wish || '{"rate": 1000}'""")
    async with killing.process("notes", notes_settings):
        job = await killing.ended(log, "republish")
    assert (job.done, job.total) == (300, 300)
    records = await read_all(notes_settings, NOTES, count=300)
    versions = [int(headers(each)["ce_streamversion"]) for each in records]
    assert list(dict.fromkeys(versions)) == list(range(1, 301))
    assert len(versions) <= 300 + 50  # at most the step in which it was killed came twice


async def test_an_import_goes_on_where_its_process_was_killed(
    notes_settings: NotesSettings, log: asyncpg.Connection
) -> None:
    lines = {ticket_id: _lines(ticket_id) for ticket_id in TICKETS}
    await log.executemany(
        "INSERT INTO imported_lines (ticket_id, version, person_id, line) VALUES ($1, $2, 'olga', $3)",
        [
            (ticket_id, version, line)
            for ticket_id, of_ticket in lines.items()
            for version, line in enumerate(of_ticket, 1)
        ],
    )
    other = await asyncpg.connect(notes_settings.database_url.get_secret_value())
    held = other.transaction()
    await held.start()
    await other.execute("INSERT INTO streams (ticket_id) VALUES ($1)", TICKETS[6])  # it waits for this one
    async with killing.process("notes", notes_settings) as first:
        await killing.begin(log, "events", "import", {"replay_id": "r", "events": 3 * len(TICKETS)})

        async def half() -> bool:
            return (await killing.middle(log, "import")).done == 3 * 6

        await until(half, within=60, what="half of the import")
        await killing.kill(first)
    await held.rollback()
    await other.close()
    async with killing.process("notes", notes_settings):
        job = await killing.ended(log, "import")
    assert (job.done, await jobs.found(log, job.id, 10)) == (3 * len(TICKETS), ([], None, {}))
    rows = await log.fetch("SELECT ticket_id, version, event_id FROM events ORDER BY ticket_id, version")
    assert [tuple(row) for row in rows] == [
        (each.fact.ticket_id, each.version, each.event_id)
        for of_ticket in lines.values()
        for each in arrivals(of_ticket)
    ]


def _lines(ticket_id: str) -> list[str]:
    """A ticket's stream as an export has it."""
    number = int(ticket_id) * 10
    given = stream.stream(
        stream.recorded(number, ticket_id=ticket_id),
        stream.corrected(number, ticket_id=ticket_id, description_html="<p>2</p>", description_text="2"),
        stream.chatted(number + 1, ticket_id=ticket_id),
    )
    return [as_line(event_of(record.value or b"", record.headers)) for record, _, _ in stream.log(given)]
