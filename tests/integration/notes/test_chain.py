"""Each ticket's events are chained: when they are recorded, and those from before there were chains."""

import asyncio

import asyncpg
from notes.operating.replays import Choice, end, following
from notes.proof import chain, chaining
from relato_contracts.topics import NOTES
from relato_runtime.database import open_pool

from tests.integration.notes.conftest import Service, occurrence
from tests.support.topics import read_all
from tests.support.waiting import until

BEFORE = """
    WITH logged AS (
        INSERT INTO events (ticket_id, version, seq, event_id, type, actor, correlation_id, recorded_at, data)
        SELECT ticket_id, version, nextval('events_seq'), gen_random_uuid(), 'relato.HistoryViewed.v1', 'ana',
            'c', now(), json_build_object('ticket_id', ticket_id, 'version', version)
        FROM unnest($1::text[]) AS ticket_id, generate_series(1, $2::int) AS version
        RETURNING ticket_id, version
    )
    INSERT INTO streams (ticket_id, version) SELECT ticket_id, max(version) FROM logged GROUP BY ticket_id
    ON CONFLICT (ticket_id) DO UPDATE SET version = excluded.version
"""
"""Events as a release without chains has recorded them."""


async def chained(database: asyncpg.Connection, ticket_id: str) -> int:
    """How many events a ticket's chain has, which is whole; what is stored is what follows from them."""
    events = await following(database, Choice(ticket_id), ("", 0), 1_000, await end(database))
    hashes = await database.fetch("SELECT hash FROM events WHERE ticket_id = $1 ORDER BY version", ticket_id)
    assert chain.follow({}, events) == [each["hash"] for each in hashes]
    row = await database.fetchrow(
        "SELECT version, chained, head FROM streams WHERE ticket_id = $1", ticket_id
    )
    assert row is not None
    assert (row["version"], row["chained"], row["head"]) == (len(events), len(events), hashes[-1]["hash"])
    return len(events)


async def test_what_is_recorded_is_chained_and_its_record_carries_the_salt(service: Service) -> None:
    for number in range(3):
        answer = await service.post("carlos", "/tickets/1001/chat", {"text": f"Linha {number}"})
        assert answer.status_code == 201, answer.text
    together = [
        service.post("carlos", f"/tickets/{ticket}/occurrences", occurrence())
        for ticket in ("1001", "1002", "1001", "1002")
    ]
    assert {answer.status_code for answer in await asyncio.gather(*together)} == {201}
    assert await chained(service.database, "1001") == 5
    assert await chained(service.database, "1002") == 2
    salts = {row["salt"] for row in await service.database.fetch("SELECT salt FROM events")}
    records = await read_all(service.settings, NOTES, count=7)
    assert {chain.carried(dict(each.headers))[0] for each in records} == salts
    assert len(salts) == 7


async def test_what_was_recorded_before_there_were_chains_is_chained_by_the_next_command(
    service: Service,
) -> None:
    await service.database.execute(BEFORE, ["1001"], 30)
    answer = await service.post("carlos", "/tickets/1001/occurrences", occurrence())
    assert answer.json()["version"] == 31
    assert await chained(service.database, "1001") == 31


async def test_and_otherwise_in_the_background(service: Service) -> None:
    tickets = [f"T{number}" for number in range(250)]
    await service.database.execute(BEFORE, tickets, 3)
    async with open_pool(service.settings.database_url.get_secret_value()) as pool:
        working = asyncio.create_task(chaining.run(pool))

        async def done() -> bool:
            return not await service.database.fetchval(
                "SELECT EXISTS (SELECT FROM streams WHERE chained < version)"
            )

        await until(done, what="chains")
        working.cancel()
    assert [await chained(service.database, ticket_id) for ticket_id in tickets] == [3] * 250
