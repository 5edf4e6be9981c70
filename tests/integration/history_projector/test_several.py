"""Several projectors share the partitions of one history."""

from history_projector.app import build
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
