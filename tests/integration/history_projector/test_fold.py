"""The live generation is what folding the events afresh leads to; rows that are not are found and named."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from relato_contracts.notifications import EmailAccepted
from relato_contracts.topics import NOTES, TICKETS, Topic
from relato_runtime import kafka
from relato_runtime.kafka import OutgoingRecord

from tests.integration.history_projector.conftest import Projecting
from tests.integration.history_projector.test_rebuild import TICKET_IDS, history
from tests.support import stream as a
from tests.support import world
from tests.support.waiting import until

PATH = "/api/operate/projections/history/fold"


async def begin(projector: Projecting) -> int:
    headers = projector.issuer.bearer("olga", "operator")
    begun = await projector.http.post(f"{PATH}/verify", json={"reason": "a test"}, headers=headers)
    assert begun.status_code == 200, begun.text
    number: int = begun.json()["job"]
    return number


async def state(projector: Projecting, number: int) -> Any:
    headers = projector.issuer.bearer("olga", "operator")
    said = (await projector.http.get(f"{PATH}/verification", headers=headers)).json()
    assert said["id"] == number
    return said


async def ended(projector: Projecting, number: int) -> Any:
    async def done() -> Any:
        said = await state(projector, number)
        return said if said["state"] == "done" else None

    return await until(done, within=60, what="an end of the verification")


async def test_rows_that_events_do_not_lead_to_are_found_and_named(projector: Projecting) -> None:
    await history(projector)
    viewed = [a.viewed(3, ticket_id=each) for each in TICKET_IDS[:3]]
    await projector.publish(
        *(
            a.outgoing(projector.settings, a.noted(4, each))
            for each in (*viewed, a.to_requester(70, ticket_id=TICKET_IDS[6]))
        )
    )
    mailed = a.mailed(EmailAccepted, 71, 5).model_copy(update={"ticket_id": TICKET_IDS[2]})
    await projector.publish(a.outgoing(projector.settings, a.enveloped(72, mailed, 5, "/relato/notifier")))
    clean = await ended(projector, await begin(projector))
    assert (clean["findings"], clean["wrong"]) == ([], 0)

    changes = {
        "requester_entries": "UPDATE {} SET description_html = 'x' WHERE ticket_id = '{}' AND version = 1",
        "chat_entries": "DELETE FROM {} WHERE ticket_id = '{}'",
        "occurrences": "UPDATE {} SET time_spent_minutes = 99 WHERE ticket_id = '{}'",
        "ticket_entries": "DELETE FROM {} WHERE ticket_id = '{}' AND version = 2",
        "time_totals": "INSERT INTO {} VALUES ('{}', 'nobody', 5)",
        "tickets": "UPDATE {} SET unread = 77 WHERE ticket_id = '{}'",
        "requester_tickets": "UPDATE {} SET seen_up_to = 2 WHERE ticket_id = '{}'",
        "views": "UPDATE {} SET viewer_id = 'bia' WHERE ticket_id = '{}'",
        "email_outcomes": "UPDATE {} SET state = 'rejected' WHERE ticket_id = '{}'",
    }
    where = dict(zip(changes, [*TICKET_IDS[3:9], *TICKET_IDS[:3]], strict=True))
    for table, change in changes.items():
        await projector.database.execute(change.format(f"history_1.{table}", where[table]))
    found = await ended(projector, await begin(projector))
    said = {each["detail"]["part"]: each for each in found["findings"]}
    assert {table: each["ticket_id"] for table, each in said.items()} == where
    assert found["wrong"] == len(found["findings"]) == len(changes)
    assert {table: each["kind"] for table, each in said.items()} == dict.fromkeys(
        changes, "row-different"
    ) | {"chat_entries": "row-missing", "ticket_entries": "row-missing", "time_totals": "row-unexpected"}
    assert said["occurrences"]["detail"]["columns"] == ["time_spent_minutes"]
    assert said["ticket_entries"]["version"] == 2
    assert {each["repair"] for each in said.values()} == {"relato projections rebuild history"}


async def test_whose_tickets_are_and_what_was_forged_where_there_are_no_events_is_found(
    projector: Projecting,
) -> None:
    await history(projector)
    without = "6900"
    await projector.publish(world.record(projector.settings, world.ticket(without)))
    assert (await ended(projector, await begin(projector)))["findings"] == []

    removed = TICKET_IDS[1]
    changes = {
        ("requester_tickets", TICKET_IDS[2]): ("requester_id = 'bia'", ["requester_id"]),
        ("tickets", TICKET_IDS[3]): ("group_id = 'campo'", ["group_id"]),
        ("tickets", TICKET_IDS[4]): ("status = 'open', responsible_id = NULL", ["status", "responsible_id"]),
        ("requester_tickets", TICKET_IDS[5]): ("title = 'x', opened_at = now()", ["title", "opened_at"]),
        ("tickets", removed): ("requester_id = 'bia'", ["requester_id"]),
        ("requester_tickets", without): ("requester_id = 'bia'", ["requester_id"]),
    }
    for (table, ticket_id), (change, _) in changes.items():
        await projector.database.execute(
            f"UPDATE history_1.{table} SET {change} WHERE ticket_id = $1",  # of the test
            ticket_id,
        )
    await projector.database.execute(
        """
        INSERT INTO history_1.requester_entries VALUES (
            $1, 1, now(), gen_random_uuid(), 'occurrence', 'carlos', 'Carlos', now(), '<p>x</p>', NULL, false,
            1, 'carlos'
        )
        """,
        without,
    )
    await projector.database.execute(
        "INSERT INTO history_1.tickets (ticket_id, title, requester_id) VALUES ('6901', 'Outra', 'bia')"
    )
    found = (await ended(projector, await begin(projector)))["findings"]
    said = {(each["detail"]["part"], each["ticket_id"]): each for each in found}
    forged = {("requester_entries", without), ("tickets", "6901")}
    assert (set(said), len(found)) == (set(changes) | forged, len(changes) + 2)
    assert {where: said[where]["detail"]["columns"] for where in changes} == {
        where: columns for where, (_, columns) in changes.items()
    }
    assert {said[where]["kind"] for where in forged} == {"row-unexpected"}


@asynccontextmanager
async def behind(projector: Projecting, topic: Topic, record: OutgoingRecord) -> AsyncIterator[None]:
    """While the block lasts the live generation has not taken in a record, and nothing else of its topic."""
    async with projector.database.transaction():
        await projector.database.execute(
            "SELECT FROM positions WHERE consumer = 'history/1' AND topic = $1 FOR UPDATE",
            projector.settings.topic_prefix + topic.name,
        )
        async with kafka.producing(projector.settings) as producer:
            await kafka.send(producer, [record])
        yield


async def test_a_state_that_the_live_generation_has_not_taken_in_yet_is_no_difference(
    projector: Projecting,
) -> None:
    await history(projector)
    changed = world.ticket(TICKET_IDS[7], status="closed", requester_id="bia")
    async with behind(projector, TICKETS, world.record(projector.settings, changed)):
        assert (await ended(projector, await begin(projector)))["findings"] == []


async def test_what_the_live_generation_has_not_taken_in_yet_is_no_difference(projector: Projecting) -> None:
    await history(projector)
    other = a.recorded(99, ticket_id=TICKET_IDS[7])
    async with behind(projector, NOTES, a.outgoing(projector.settings, a.noted(4, other))):
        number = await begin(projector)

        async def suspected() -> bool:
            return bool((await state(projector, number))["numbers"])

        await until(suspected, what="a suspicion")
        assert (await state(projector, number))["state"] == "running"
    assert (await ended(projector, number))["findings"] == []
