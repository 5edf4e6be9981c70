"""The history projector between a real broker and a real database."""

import asyncio
import json
from dataclasses import replace

import asyncpg
import pytest
from history_projector import generations
from relato_contracts import itsm
from relato_contracts.fields import Fact
from relato_contracts.topics import NOTES, PEOPLE, TICKETS
from relato_runtime.kafka import OutgoingRecord

from tests.integration.history_projector.conftest import Projecting
from tests.support import stream as a
from tests.support import world
from tests.support.databases import with_role


async def publish(projector: Projecting, *facts: Fact) -> None:
    await projector.publish(*(world.record(projector.settings, fact) for fact in facts))


async def publish_stream(projector: Projecting, *given: a.Given) -> None:
    await projector.publish(*(a.outgoing(projector.settings, each) for each in given))


async def versions(projector: Projecting, ticket_id: str = "1001") -> list[int]:
    """The versions of a ticket's stream in the audit history."""
    rows = await projector.database.fetch(
        "SELECT version FROM history.ticket_entries WHERE ticket_id = $1 AND version > 0 ORDER BY version",
        ticket_id,
    )
    return [row["version"] for row in rows]


async def test_facts_of_the_itsm_and_of_notes_make_one_history(projector: Projecting) -> None:
    await publish(projector, *world.world())
    await publish_stream(projector, *a.stream(a.recorded(), a.to_requester(2), a.chatted(3)))
    desk = await projector.row("SELECT * FROM history.tickets WHERE ticket_id = '1001'")
    assert (desk["title"], desk["last_version"], desk["unread"]) == ("VPN não conecta", 3, 1)
    assert await versions(projector) == [1, 2, 3]
    people = await projector.database.fetch("SELECT person_id FROM reference.people ORDER BY person_id")
    assert [row["person_id"] for row in people] == ["ana", "bia", "carlos", "davi", "edu", "olga"]


async def test_a_tombstone_removes(projector: Projecting) -> None:
    await publish(projector, *world.world())
    prefix = projector.settings.topic_prefix
    await projector.publish(
        OutgoingRecord(prefix + PEOPLE.name, b"bia", None, []),
        OutgoingRecord(prefix + TICKETS.name, b"1002", None, []),
    )
    assert not await projector.database.fetch("SELECT FROM reference.people WHERE person_id = 'bia'")
    assert not await projector.database.fetch(
        "SELECT FROM history.requester_tickets WHERE requester_id = 'bia'"
    )
    actions = await projector.database.fetch(
        "SELECT action FROM history.ticket_entries WHERE ticket_id = '1002' ORDER BY recorded_at"
    )
    assert [row["action"] for row in actions] == ["ticket-opened", "ticket-removed"]


async def test_what_came_before_is_dropped_when_it_comes_again(projector: Projecting) -> None:
    given = a.stream(a.recorded(1), a.recorded(2))
    await publish_stream(projector, *given, *given)
    assert await versions(projector) == [1, 2]
    assert await projector.database.fetchval("SELECT sum(minutes) FROM history.time_totals") == 30


async def test_a_gap_holds_up_its_own_ticket_until_it_is_filled_and_no_other(projector: Projecting) -> None:
    first, second, third, fourth = a.stream(a.recorded(1), a.solved(1), a.recorded(3), a.recorded(4))
    other = a.noted(1, a.recorded(50, ticket_id="1002"))
    await publish_stream(projector, first, third, fourth, other)
    assert await versions(projector) == [1]
    assert await versions(projector, "1002") == [1]
    parked = await projector.row("SELECT * FROM history.parked_tickets")
    assert (parked["ticket_id"], parked["reason"], parked["missing_version"]) == ("1001", "gap", 2)
    await publish_stream(projector, second)
    assert await versions(projector) == [1, 2, 3, 4]
    assert not await projector.database.fetch("SELECT FROM history.parked_tickets")
    assert not await projector.database.fetch("SELECT FROM history_1.parked_records")


async def test_an_undecodable_record_parks_its_ticket_and_nothing_after_it_is_lost(
    projector: Projecting,
) -> None:
    first, second, third = a.stream(a.recorded(1), a.recorded(2), a.recorded(3))
    lost = replace(a.outgoing(projector.settings, second), value=b'{"ticket_id": "1001"}')
    await projector.publish(
        a.outgoing(projector.settings, first), lost, a.outgoing(projector.settings, third)
    )
    assert await versions(projector) == [1]
    letter = await projector.row("SELECT * FROM dead_letters")
    assert (letter["reason"], letter["value"]) == ("invalid-data", lost.value)
    parked = await projector.row("SELECT * FROM history.parked_tickets")
    assert (parked["ticket_id"], parked["reason"]) == ("1001", "invalid-data")
    await publish_stream(projector, second)
    assert await versions(projector) == [1, 2, 3]
    assert not await projector.database.fetch("SELECT FROM history.parked_tickets")


async def test_a_record_that_never_belonged_to_the_stream_does_not_stop_it(projector: Projecting) -> None:
    junk = OutgoingRecord(projector.settings.topic_prefix + NOTES.name, b"1001", b"\xff", [])
    first, second = a.stream(a.recorded(1), a.recorded(2))
    await projector.publish(a.outgoing(projector.settings, first), junk)
    assert await projector.database.fetchval("SELECT reason FROM history.parked_tickets") is not None
    await publish_stream(projector, second)
    assert await versions(projector) == [1, 2]
    assert not await projector.database.fetch("SELECT FROM history.parked_tickets")


async def test_a_tombstone_with_a_senseless_key_goes_to_dead_letters(projector: Projecting) -> None:
    await projector.publish(
        OutgoingRecord(projector.settings.topic_prefix + PEOPLE.name, b"\xff\x00", None, [])
    )
    assert await projector.database.fetchval("SELECT reason FROM dead_letters") == "invalid-data"


async def test_listeners_are_told_which_tickets_changed(projector: Projecting) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()
    await projector.database.add_listener("history", lambda *args: told.put_nowait(str(args[-1])))
    await publish_stream(projector, *a.stream(a.recorded()))
    assert json.loads(await asyncio.wait_for(told.get(), 10)) == {"tickets": ["1001"]}


async def test_the_requesters_role_reads_what_is_visible_and_nothing_else(projector: Projecting) -> None:
    await publish(projector, *world.world())
    await publish_stream(
        projector,
        *a.stream(
            a.recorded(1, solution_html="<p>Segredo</p>"),
            a.recorded(2, visible_to_requester=True, solution_html="<p>Cabo trocado</p>"),
            a.to_requester(3),
            a.chatted(4, by_requester=False),
        ),
    )
    url = projector.settings.database_url.get_secret_value()
    requester = await asyncpg.connect(with_role(url, "portal_requester"))
    try:
        entries = await requester.fetch("SELECT * FROM history.requester_entries ORDER BY version")
        assert [(row["version"], row["solution_html"]) for row in entries] == [
            (2, "<p>Cabo trocado</p>"),
            (3, None),
        ]
        assert "current_by_id" not in entries[0]
        assert (
            await requester.fetchval("SELECT unread FROM history.requester_tickets WHERE ticket_id = '1001'")
            == 3
        )
        assert len(await requester.fetch("SELECT * FROM history.requester_chat")) == 1
        numbers = await requester.fetch("SELECT number FROM history.requester_parameters")
        assert {row["number"] for row in numbers} <= {252, 262, 263, 298, 299, 316, 371}
        await requester.fetch("SELECT ticket_id, description FROM history.requester_descriptions")
        await requester.fetch("SELECT kind, id, name FROM history.requester_catalog")
        assert await requester.fetch("SELECT * FROM requesters.gone('1001', 0)") == []
        for forbidden in (
            "reference.tickets", "reference.categories",
            "history.tickets", "history.ticket_entries", "history.occurrences", "history.chat_entries",
            "history.shown_entries", "history.time_totals", "history.email_outcomes", "history.views",
            "history_1.ticket_entries", "history_1.requester_entries", "reference.people",
            "reference.parameters", "public.dead_letters", "public.positions",
        ):  # fmt: skip
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await requester.fetch(f"SELECT * FROM {forbidden}")
    finally:
        await requester.close()


async def test_the_executors_role_reads_all_of_history_and_reference_and_writes_nothing(
    projector: Projecting,
) -> None:
    url = projector.settings.database_url.get_secret_value()
    executor = await asyncpg.connect(with_role(url, "portal_executor"))
    try:
        tables = await projector.database.fetch(
            "SELECT schemaname || '.' || viewname AS name FROM pg_views WHERE schemaname = 'history' "
            "UNION ALL SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname = 'reference'"
        )
        assert len(tables) == 23
        for table in tables:
            await executor.fetch(f"SELECT * FROM {table['name']}")
        for statement in ("DELETE FROM history.tickets", "DELETE FROM reference.people"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await executor.execute(statement)
    finally:
        await executor.close()


@pytest.mark.parametrize(
    ("number", "view"),
    [(298, "requester_entries"), (299, "requester_entries"), (316, "requester_chat")],
)
async def test_what_a_parameter_switches_off_is_not_there_for_the_requester(
    projector: Projecting, number: int, view: str
) -> None:
    await publish(projector, *world.world())
    facts = {
        298: a.recorded(visible_to_requester=True),
        299: a.to_requester(),
        316: a.chatted(by_requester=False),
    }
    await publish_stream(projector, *a.stream(facts[number]))
    query = f"SELECT (SELECT count(*) FROM history.{view}), unread FROM history.requester_tickets"
    ticket = " WHERE ticket_id = '1001'"
    assert tuple(await projector.row(query + ticket)) == (1, 1)
    await publish(projector, itsm.ParameterSaved(number=number, value="N"))
    assert tuple(await projector.row(query + ticket)) == (0, 0)


async def test_a_solution_is_shown_to_the_requester_only_while_371_says_so(projector: Projecting) -> None:
    await publish(projector, *world.world())
    await publish_stream(projector, *a.stream(a.recorded(visible_to_requester=True), a.solved()))
    query = "SELECT solution_html FROM history.requester_entries"
    assert await projector.database.fetchval(query) == "<p>Cabo trocado</p>"
    await publish(projector, itsm.ParameterSaved(number=371, value="N"))
    assert await projector.database.fetchval(query) is None


async def test_what_the_requester_has_seen_is_no_longer_unread(projector: Projecting) -> None:
    await publish(projector, *world.world())
    await publish_stream(projector, *a.stream(a.to_requester(1), a.to_requester(2), a.viewed(1)))
    query = "SELECT unread FROM history.requester_tickets WHERE ticket_id = '1001'"
    assert await projector.database.fetchval(query) == 1
    await publish_stream(projector, a.noted(4, a.viewed(2)))
    assert await projector.database.fetchval(query) == 0


async def test_operators_see_the_live_generation_and_how_far_it_has_come(projector: Projecting) -> None:
    await publish_stream(projector, *a.stream(a.recorded(1), a.recorded(2)))
    (listed,) = await generations.listed(projector.database, {"history/1": 0})
    assert listed | {"rate": 0.0} == {
        "projection": "history",
        "generation": 1,
        "state": "live",
        "stage": "live",
        "applied": 2,
        "behind": 0,
        "rate": 0.0,
    }
