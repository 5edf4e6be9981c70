"""Operators rebuild the history while the one before goes on: the new generation comes out the same."""

import asyncio
import sys
from collections.abc import Sequence

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.errors import PolicyViolationError
from aiokafka.structs import TopicPartition
from history_projector.app import build
from pydantic import SecretStr
from relato_contracts.topics import TICKETS
from relato_runtime import kafka
from relato_runtime.kafka import OutgoingRecord

from tests.integration.history_projector.conftest import Projecting
from tests.support import stream as a
from tests.support import world
from tests.support.reaching import reaching
from tests.support.serving import serving
from tests.support.waiting import until

TABLES = (
    "tickets", "ticket_entries", "occurrences", "chat_entries", "views", "email_outcomes", "time_totals",
    "requester_tickets", "requester_entries", "parked_records",
)  # fmt: skip
TICKET_IDS = [str(number) for number in range(6_000, 6_012)]


async def history(projector: Projecting, ticket_ids: Sequence[str] = TICKET_IDS) -> None:
    """Some of everything: tickets that the ITSM changes, streams, a gap, a removal."""
    saved = [world.ticket(each) for each in ticket_ids]
    changed = [each.model_copy(update={"status": "resolved", "title": "Outra"}) for each in saved]
    notes = [
        a.outgoing(projector.settings, given)
        for each in ticket_ids
        for given in a.stream(
            a.recorded(int(each) * 10, ticket_id=each, visible_to_requester=True),
            a.corrected(int(each) * 10, ticket_id=each, description_html="<p>2</p>", description_text="2"),
            a.chatted(3, ticket_id=each),
        )
    ]
    late = a.outgoing(projector.settings, a.noted(9, a.recorded(1, ticket_id=ticket_ids[0])))
    gone = OutgoingRecord(projector.settings.topic_prefix + TICKETS.name, ticket_ids[1].encode(), None, [])
    facts = [world.record(projector.settings, each) for each in (*saved, *changed)]
    await projector.publish(*facts, *notes, late, gone)


async def differences(projector: Projecting, one: int, other: int) -> dict[str, int]:
    """How many rows only one of two generations has, by table."""
    found = {}
    for table in TABLES:
        here, there = (f"SELECT to_jsonb(t) FROM history_{each}.{table} AS t" for each in (one, other))
        number = await projector.database.fetchval(
            f"SELECT count(*) FROM (({here} EXCEPT ALL {there}) UNION ALL ({there} EXCEPT ALL {here})) AS d"
        )
        if number:
            found[table] = number
    return found


async def members(projector: Projecting, generation: int) -> int:
    """How many consumers share a generation's partitions; -1 while that is being settled."""
    admin = AIOKafkaAdminClient(**kafka.connection(projector.settings))
    await admin.start()
    try:
        group = f"{projector.settings.topic_prefix}relato.history/{generation}"
        (answer,) = await admin.describe_consumer_groups([group])
        (found,) = answer.to_object()["groups"]
        return (
            -1 if found["state"] in {"PreparingRebalance", "CompletingRebalance"} else len(found["members"])
        )
    finally:
        await admin.close()


async def test_a_rebuild_comes_to_the_same_tables_while_the_live_generation_goes_on(
    projector: Projecting,
) -> None:
    await history(projector)
    assert await projector.done("rebuild", reason="to try it") == 2
    later = world.ticket(TICKET_IDS[2], status="closed")
    await projector.publish(world.record(projector.settings, later))
    await projector.level(2)
    await projector.level(1)
    assert await differences(projector, 1, 2) == {}
    known = await projector.generations()
    assert [(each["state"], each["behind"]) for each in known.values()] == [("live", 0), ("building", 0)]
    assert known[1]["applied"] == known[2]["applied"]
    refused = await projector.operate("rebuild")
    assert refused.status_code == 409
    assert "building already" in refused.json()["detail"]


async def test_what_a_compacted_topic_has_forgotten_is_taken_over(projector: Projecting) -> None:
    await history(projector)
    topic = projector.settings.topic_prefix + TICKETS.name
    admin = AIOKafkaAdminClient(**kafka.connection(projector.settings))
    await admin.start()
    try:
        everything = await projector.database.fetch(
            "SELECT partition, next_offset FROM positions WHERE consumer = 'history/1' AND topic = $1", topic
        )
        # The broker deletes nothing of a topic that it only compacts.
        policy = {"cleanup.policy": "compact,delete", "retention.ms": "-1"}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, policy)])
        before = {
            TopicPartition(topic, each["partition"]): RecordsToDelete(each["next_offset"])
            for each in everything
        }

        async def deleted() -> bool:
            try:
                await admin.delete_records(before)
            except PolicyViolationError:
                return False  # the broker goes by what it is told a moment after it was told
            return True

        await until(deleted, what="records to be deleted")
    finally:
        await admin.close()
    await projector.done("rebuild")
    await projector.level(2)
    assert await differences(projector, 1, 2) == {}
    again = [world.ticket(each, status="closed", title="Outra") for each in TICKET_IDS]
    await projector.publish(*(world.record(projector.settings, each) for each in again))
    await projector.level(2)
    await projector.level(1)
    assert await differences(projector, 1, 2) == {}
    actions = await projector.database.fetch(
        "SELECT action FROM history_2.ticket_entries WHERE ticket_id = $1 AND version = 0", TICKET_IDS[2]
    )
    assert sorted(row["action"] for row in actions) == [
        "status-changed", "status-changed", "ticket-opened", "title-changed",
    ]  # fmt: skip


async def test_a_rebuild_is_paused_resumed_and_cancelled_and_each_is_written_down(
    projector: Projecting,
) -> None:
    await projector.done("rebuild", reason="first")
    await projector.level(2)
    assert await projector.done("pause") == 2

    async def alone() -> bool:
        return await members(projector, 2) == 0

    await until(alone, what="an end of the new generation's consumer")
    await history(projector)
    await projector.level(1)
    paused = (await projector.generations())[2]
    assert (paused["state"], paused["applied"], paused["behind"] > 0) == ("paused", 0, True)
    assert paused["stage"] == "building"
    assert (await projector.operate("pause")).status_code == 409
    await projector.done("resume", generation=2)
    await projector.level(2)
    assert await differences(projector, 1, 2) == {}

    assert await projector.done("cancel", dry_run=True) == 2
    assert (await projector.generations())[2]["state"] == "building"
    await projector.done("cancel", reason="enough")

    async def gone() -> bool:
        return (await projector.generations()).keys() == {1}

    await until(gone, what="an end of the generation")
    assert not await projector.database.fetch("SELECT FROM positions WHERE consumer = 'history/2'")
    assert not await projector.database.fetch("SELECT FROM pg_namespace WHERE nspname LIKE 'history_2%'")
    assert await projector.done("rebuild") == 3
    headers = projector.issuer.bearer("olga", "operator")
    written = (await projector.http.get("/api/operate/projections/history/actions", headers=headers)).json()
    assert [(each["action"], each["generation"], each["dry_run"]) for each in written["items"]] == [
        *(("rebuild", 3, False), ("cancel", 2, False), ("cancel", 2, True), ("resume", 2, False)),
        *(("pause", 2, False), ("rebuild", 2, False)),
    ]
    assert (written["items"][-1]["person_id"], written["items"][-1]["reason"]) == ("olga", "first")


async def test_a_rebuild_goes_on_when_processes_come_and_are_killed_in_the_middle(
    projector: Projecting,
) -> None:
    await history(projector)
    killed = await _process(projector, batch=1)
    try:
        await projector.done("rebuild")
        await projector.level(2)

        async def both() -> bool:
            return await members(projector, 2) == 2

        await until(both, within=60, what="two processes that build")
        async with projector.database.transaction():
            # Nobody comes to the end of a batch with chat before this is over.
            await projector.database.execute("LOCK TABLE history_2.chat_entries IN SHARE MODE")
            await history(projector, [str(number) for number in range(7_000, 7_100)])

            async def in_the_middle() -> bool:
                return await _waiting(projector) == 2

            await until(in_the_middle, what="two processes in the middle of a batch")
            killed.kill()
            await killed.wait()
    finally:
        if killed.returncode is None:
            killed.kill()
            await killed.wait()
    assert (await projector.generations())[2]["behind"] > 0
    slow = projector.settings.model_copy(update={"batch_records": 10})
    async with serving(build(slow)) as third, reaching(third) as client:

        async def shares() -> bool:
            return (await client.get("/readyz")).status_code == 200

        await until(shares, within=60, what="partitions for a third process")
    await projector.level(2)
    # The killed process had its share of the live generation too.
    await projector.level(1)
    assert await differences(projector, 1, 2) == {}


async def _waiting(projector: Projecting) -> int:
    """How many transactions wait for a lock in this database."""
    count: int = await projector.database.fetchval(
        """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'
        """
    )
    return count


async def _process(projector: Projecting, *, batch: int) -> asyncio.subprocess.Process:
    """A projector of its own process, once it takes part in the live generation."""
    given = projector.settings.model_dump(exclude_unset=True)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "history_projector"),
        env={
            f"RELATO_{name.upper()}": value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            for name, value in {**given, "batch_records": batch, "http_port": 0}.items()
        },
    )

    async def joined() -> bool:
        return await members(projector, 1) == 2

    await until(joined, within=60, what="a second process")
    return process


async def test_a_program_leaves_generations_of_another_shape_to_programs_that_know_it(
    projector: Projecting,
) -> None:
    await projector.done("rebuild")
    await projector.level(2)
    await projector.database.execute("UPDATE generations SET shape = shape + 1 WHERE generation = 2")

    async def left() -> bool:
        return await members(projector, 2) == 0

    await until(left, what="an end of the consumer")
    await history(projector)
    await projector.level(1)
    assert (await projector.generations())[2]["applied"] == 0
    await projector.database.execute("UPDATE generations SET shape = shape - 1 WHERE generation = 2")
    await projector.level(2)
    assert await differences(projector, 1, 2) == {}


async def test_only_operators_operate(projector: Projecting) -> None:
    path = "/api/operate/projections"
    assert (await projector.http.get(path)).status_code == 401
    headers = projector.issuer.bearer("davi", "administrator")
    assert (await projector.http.get(path, headers=headers)).status_code == 403
    refused = await projector.http.post(f"{path}/history/rebuild", json={}, headers=headers)
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (403, "not-permitted")
    assert (await projector.operate("explode")).status_code == 422
    assert (await projector.operate("drop", generation=1)).status_code == 409
    assert (await projector.operate("pause", generation=7)).json()["detail"] == "There is no generation 7."
