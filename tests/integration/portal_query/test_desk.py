"""The desk and its tickets: who sees which, and how."""

from tests.integration.portal_query.conftest import Portal
from tests.support import world
from tests.support.projection import messaged, recorded


async def test_the_desk_lists_the_tickets_of_ones_groups(portal: Portal) -> None:
    tickets = await portal.entries("carlos", "/tickets")
    assert {ticket["ticket_id"] for ticket in tickets} == {"1001", "1002", "1003", "1004"}
