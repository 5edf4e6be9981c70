"""Several projectors share the partitions of one history."""

import asyncio
from collections.abc import Awaitable, Callable

from history_projector import generations, tables
from history_projector.app import build
from history_projector.consume import Projector
from relato_contracts.notifications import EmailAccepted
from relato_runtime.database import Connection, open_pool
from relato_runtime.kafka import OutgoingRecord

from tests.integration.history_projector.conftest import Projecting
from tests.support import stream as a
from tests.support import world
from tests.support.reaching import reaching
from tests.support.serving import serving
from tests.support.waiting import until

_TICKETS = [str(number) for number in range(5_000, 5_024)]


async def test_two_projectors_and_the_end_of_one_leave_the_same_tables_as_one(projector: Projecting) -> None:
    async with serving(build(projector.settings)) as second, reaching(second) as client:

        async def shares() -> bool:
            return (await client.get("/readyz")).status_code == 200

        await until(shares, what="partitions for the second projector")
        await projector.publish(*records(projector, range(1, 11)))
    await projector.publish(*records(projector, range(11, 21)))
    rows = await projector.database.fetch(
        """
        SELECT title, last_version, count(entry.version) FILTER (WHERE entry.version > 0) AS entries, minutes
        FROM history.tickets JOIN history.ticket_entries AS entry USING (ticket_id)
        JOIN history.time_totals USING (ticket_id)
        GROUP BY ticket_id, title, last_version, minutes
        """
    )
    assert len(rows) == len(_TICKETS)
    assert {tuple(row) for row in rows} == {("VPN não conecta", 20, 20, 300)}
    assert not await projector.database.fetch("SELECT FROM history.parked_tickets")


async def test_what_a_requester_has_seen_stays_while_another_projector_takes_in_a_mail_about_it(
    database: Callable[..., Awaitable[str]],
) -> None:
    url = await database("history_projector")
    async with open_pool(url) as pool:
        await generations.consuming(pool)
    of_generation = open_pool(generations.address(url, 1))
    async with of_generation as pool, pool.acquire() as one, pool.acquire() as other:
        recorded, wrote, viewed = a.stream(a.recorded(), a.to_requester(2), a.viewed(2))
        mailed = a.enveloped(3, a.mailed(EmailAccepted, 4, 5), 5, "/relato/notifier")
        await take_in(one, recorded)

        async def waits() -> bool:
            behind = "SELECT cardinality(pg_blocking_pids($1)) > 0"
            return bool(await one.fetchval(behind, other.get_server_pid()))

        async with asyncio.TaskGroup() as group, one.transaction():
            await tables.lock_tickets(one, ["1001"])
            group.create_task(take_in(other, mailed))
            await until(waits, what="another projector's turn")
            await take_in(one, wrote, viewed)
        seen = await one.fetchrow("SELECT last_activity_at, seen_up_to FROM requester_tickets")
        assert seen is not None
        assert tuple(seen) == (a.at(2), 2)


async def take_in(connection: Connection, *given: a.Given) -> None:
    """These facts in a transaction, or in the one that is under way."""
    async with connection.transaction():
        assert not await Projector(1).apply(connection, a.log(given))


def records(projector: Projecting, versions: range) -> list[OutgoingRecord]:
    """Every ticket as the ITSM has it, and these versions of its stream, in turn."""
    return [
        record
        for version in versions
        for place, ticket_id in enumerate(_TICKETS)
        for record in (
            world.record(projector.settings, world.ticket(ticket_id)),
            a.outgoing(
                projector.settings,
                a.noted(version, a.recorded(place * 100 + version, ticket_id=ticket_id)),
            ),
        )
    ]
