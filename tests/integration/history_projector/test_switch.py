"""Another generation becomes live, and back: readers under load see no error and no gap."""

import asyncio
import json

import asyncpg
from prometheus_client import REGISTRY
from relato_runtime.database import open_pool

from tests.integration.history_projector.conftest import Projecting
from tests.integration.history_projector.test_rebuild import differences, history
from tests.support import stream as a
from tests.support import world
from tests.support.databases import with_role
from tests.support.waiting import until

TICKET = "8001"


class Readers:
    """Read as the portal does, through its roles, with statements prepared once in each connection."""

    def __init__(self) -> None:
        self.reads = 0
        self.ended = False

    async def executor(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        """A page of a ticket's history: never fewer entries than before."""
        seen = 0
        while not self.ended:
            rows = await pool.fetch(
                """
                SELECT last_version, (
                    SELECT count(*) FROM history.ticket_entries AS entry
                    WHERE entry.ticket_id = ticket.ticket_id AND version > 0
                ) FROM history.tickets AS ticket WHERE ticket_id = $1
                """,
                TICKET,
            )
            (row,) = rows
            assert row["last_version"] == row["count"] >= seen
            seen = row["count"]
            self.reads += 1

    async def requester(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        """The same for the requester, through views of views."""
        seen = 0
        while not self.ended:
            async with pool.acquire() as connection, connection.transaction():
                request = await connection.fetchrow(
                    "SELECT applied_version FROM history.requester_tickets WHERE ticket_id = $1", TICKET
                )
                entries = await connection.fetch(
                    "SELECT version FROM history.requester_entries WHERE ticket_id = $1 ORDER BY version",
                    TICKET,
                )
            assert request is not None and len(entries) >= request["applied_version"] >= seen
            seen = request["applied_version"]
            self.reads += 1


async def test_readers_see_no_error_and_no_gap_in_switches_under_load(projector: Projecting) -> None:
    url = projector.settings.database_url.get_secret_value()
    versions = iter(range(1, 100_000))
    readers = Readers()

    async def write() -> None:
        version = next(versions)
        fact = a.recorded(80_010_000 + version, ticket_id=TICKET, visible_to_requester=True)
        await projector.publish(a.outgoing(projector.settings, a.noted(version, fact)))

    async def writing() -> None:
        while not readers.ended:
            await write()

    await history(projector)
    await projector.database.execute(
        "INSERT INTO reference.parameters (number, value) VALUES (298, 'S') ON CONFLICT DO NOTHING"
    )
    await projector.publish(world.record(projector.settings, world.ticket(TICKET)))
    await write()
    await projector.done("rebuild")
    await projector.level(2)
    told: asyncio.Queue[dict[str, object]] = asyncio.Queue()
    await projector.database.add_listener("history", lambda *args: told.put_nowait(json.loads(str(args[-1]))))
    async with (
        open_pool(with_role(url, "portal_executor"), size=4) as executors,
        open_pool(with_role(url, "portal_requester"), size=4, by_key=True) as requesters,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(3):
            group.create_task(readers.executor(executors))
            group.create_task(readers.requester(requesters))
        group.create_task(writing())
        try:
            for verb, live, before in (("switch", 2, 1), ("rollback", 1, 2), ("rollback", 2, 1)):
                assert await projector.done(verb, reason="under load") == live
                known = await projector.generations()
                assert (known[live]["state"], known[before]["state"]) == ("live", "retired")
                reads = readers.reads

                async def more(reads: int = reads) -> bool:
                    return readers.reads > reads + 50

                await until(more, what="readers of the new live generation")
        finally:
            readers.ended = True
    told_of = [told.get_nowait() for _ in range(told.qsize())]
    assert len([each for each in told_of if each.get("everything")]) == 3
    await projector.level(1)
    await projector.level(2)
    assert await differences(projector, 1, 2) == {}
    assert (await projector.operate("drop", generation=2)).status_code == 409
    assert await projector.done("drop") == 1

    async def gone() -> bool:
        return (await projector.generations()).keys() == {2}

    await until(gone, what="an end of the generation before")
    assert REGISTRY.get_sample_value("relato_live_generation") == 2
    await write()
    assert (await projector.http.get("/readyz")).status_code == 200


async def test_a_generation_that_is_behind_is_not_switched_to(projector: Projecting) -> None:
    await projector.done("rebuild")
    await projector.level(2)
    async with projector.database.transaction():
        # A batch of the new generation that does not come to its end.
        await projector.database.execute("LOCK TABLE history_2.tickets IN SHARE MODE")
        await history(projector)
        first, second = await asyncio.gather(
            projector.operate("switch", who="olga"), projector.operate("switch", who="otto")
        )
    refused = {each.json()["type"].rpartition("/")[2]: each for each in (first, second)}
    assert refused.keys() == {"refused", "held"}
    assert "does not catch up" in refused["refused"].json()["detail"]
    assert refused["held"].json()["detail"].startswith(("Olga is at it (switch", "Otto is at it (switch"))
    await projector.level(2)
    assert await projector.done("switch") == 2
    await projector.level(1)
    assert await differences(projector, 1, 2) == {}
