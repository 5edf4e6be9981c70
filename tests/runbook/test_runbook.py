"""Every command of the runbook, typed at a system that is broken in that way."""

import json
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from relato.records import read
from relato.stack import databases
from relato_contracts.topics import CATALOG, NOTES
from relato_runtime.settings import KafkaSettings

from tests.support import watched as watched_
from tests.support.journey import Ticket
from tests.support.runbook import follow, sections, typed
from tests.support.stack import Stack
from tests.support.waiting import until
from tests.support.watched import Watched

BROKER_AWAY = (
    "RelatoProcessNotReady",
    "RelatoLoopsBeginAfresh",
    "RelatoOutboxOld",
    "RelatoNobodyRelays",
    "RelatoOutcomesOld",
)
HELD_UP = ("RelatoConsumerBehind", "RelatoConsumerStopped")
DATABASE_AWAY = ("RelatoCommandsFail", "RelatoCommandsSlow")
ALONE = (
    "RelatoProcessDown",
    "RelatoMailsDoNotGoOut",
    "RelatoMailServerRefuses",
    "RelatoMailsGivenUp",
    "RelatoMailsUncertain",
    "RelatoHistoryLate",
    "RelatoDeadLetters",
    "RelatoTransactionOld",
    "Backup and restore",
    "Upgrade",
    "Moving to more partitions",
)


UNTRIED = ("RelatoTicketsParked", "RelatoEventsDiverged", "RelatoHeadsOld")
"""The runbook says that nothing breaks a system in these ways yet; their commands have tests of their own."""


@pytest.fixture
async def watched(stack: Stack) -> Watched:
    return watched_.watched(stack)


def test_every_section_with_commands_is_tried() -> None:
    assert sections().keys() == {*BROKER_AWAY, *HELD_UP, *DATABASE_AWAY, *ALONE, *UNTRIED}


async def test_the_broker_is_away(watched: Watched, ticket: Ticket) -> None:
    async with watched.stopped("kafka"):
        await ticket.record()
        await watched.becomes("the outbox to age", lambda now: now.sum("relato_outbox_oldest_seconds") > 1)
        # One command for all of them: it is typed once.
        assert {sections()[each] for each in BROKER_AWAY} == {("relato status",)}
        (said,) = await follow(watched.stack, "RelatoOutboxOld")
        assert "does not answer" in said
        assert "1 pending" in said
        await watched.becomes(
            "the outbox to be old", lambda now: now.sum("relato_outbox_oldest_seconds") > 31, within=60
        )
        await watched.rings("RelatoOutboxOld")
    await watched.well()


@pytest.mark.parametrize("database", ["history", "notifier"])
async def test_a_consumer_is_held_up(watched: Watched, ticket: Ticket, database: str) -> None:
    consumers = (await watched.now()).labels("relato_consumer_lag", "consumer")
    consumer = next(each for each in consumers if each.partition("/")[0] == database)
    async with watched.sql(database) as sql, sql.transaction():
        await sql.execute("LOCK TABLE positions IN EXCLUSIVE MODE")
        await ticket.record()
        await watched.becomes(
            "lag", lambda now: now.sum("relato_consumer_lag", consumer=consumer, topic="relato.notes") >= 1
        )
        assert set(sections()["RelatoConsumerBehind"]) <= set(sections()["RelatoConsumerStopped"])
        await watched.rings("RelatoConsumerStopped")
        status, projections = await follow(watched.stack, "RelatoConsumerStopped")
        assert f"relato.{consumer}" in status
        assert "live" in projections
    await watched.well()


async def test_the_database_is_away(watched: Watched) -> None:
    async with watched.stopped("postgres"):  # what serves who is connected, lives on
        assert {sections()[each] for each in DATABASE_AWAY} == {("relato status",)}
        (said,) = await follow(watched.stack, "RelatoCommandsFail")
        assert "does not answer" in said
        assert "not known while its database is down" in said
    await watched.well()


async def test_a_process_hangs_and_mails_do_not_go_out(
    watched: Watched, ticket: Ticket, ana_address: str
) -> None:
    async with watched.stopped("notifier"):
        await ticket.record(visible_to_requester=True, notify_by_email=True)
        await watched.rings("RelatoProcessDown")
        assert set(sections()["RelatoProcessDown"]) <= set(sections()["RelatoMailsDoNotGoOut"])
        status, _ = await follow(watched.stack, "RelatoMailsDoNotGoOut")
        line = next(line for line in status.splitlines() if line.startswith("notifier "))
        assert "ready" not in line
    await ticket.mail(ana_address)


async def test_the_mail_server_refuses_until_mails_are_given_up(
    ticket: Ticket, watched: Watched, ana_address: str
) -> None:
    answers = ticket.mailbox.answers[ana_address]
    answers += ["451 4.3.0 later"] * 100
    mails: list[str] = []
    for _ in range(2):
        await ticket.record(visible_to_requester=True, notify_by_email=True)
        mails.append(await _mail_in(watched, ticket, "retry", other_than=mails))
    await watched.becomes("mails that wait", lambda now: now.sum("relato_mails", state="retry") >= len(mails))
    await watched.rings("RelatoMailServerRefuses")
    listed, shown, _ = await follow(watched.stack, "RelatoMailServerRefuses", mail=mails[0])
    assert ticket.id in listed
    assert "4.3.0 later" in shown
    async with watched.sql("notifier") as sql:
        # The three days are not waited for.
        await sql.execute(
            """
            UPDATE mails SET due_at = now(),
                patience_from = coalesce(patience_from, planned_at) - interval '73 hours'
            WHERE mail_id = ANY($1::uuid[])
            """,
            [UUID(each) for each in mails],
        )
    await watched.becomes(
        "mails to be given up", lambda now: now.sum("relato_mails", state="dead") >= len(mails), within=90
    )
    await watched.rings("RelatoMailsGivenUp")
    answers.clear()
    listed, *_ = await follow(watched.stack, "RelatoMailsGivenUp", mail=mails[0], other_mail=mails[1])
    assert ticket.id in listed
    assert await _mail_in(watched, ticket, "accepted") == mails[0]
    states = {each["mail_id"]: each["state"] for each in await _mails(watched, ticket)}
    assert states == {mails[0]: "accepted", mails[1]: "suppressed"}


async def test_nobody_knows_whether_mails_went_out(
    ticket: Ticket, watched: Watched, ana_address: str
) -> None:
    mails: list[str] = []
    for _ in range(2):
        ticket.mailbox.answers[ana_address] += ["cut"]
        await ticket.record(visible_to_requester=True, notify_by_email=True)
        mails.append(await _mail_in(watched, ticket, "uncertain", other_than=mails))
    await watched.becomes("uncertain mails", lambda now: now.sum("relato_mails", state="uncertain") > 0)
    await watched.rings("RelatoMailsUncertain")
    listed, *_ = await follow(watched.stack, "RelatoMailsUncertain", mail=mails[0], other_mail=mails[1])
    assert ticket.id in listed
    await ticket.mail(ana_address)
    states = {each["mail_id"]: each["state"] for each in await _mails(watched, ticket)}
    assert states == {mails[0]: "accepted", mails[1]: "suppressed"}


async def test_a_record_cannot_be_taken_in(watched: Watched) -> None:
    key = f"broken-{uuid4()}"
    await _publish(watched, CATALOG.name, key)
    letters = await _letters(watched, key, 2)
    await watched.becomes("dead letters", lambda now: now.sum("relato_dead_letters_waiting") > 0)
    await watched.rings("RelatoDeadLetters")
    for letter in letters:
        said = await follow(
            watched.stack, "RelatoDeadLetters", letter=letter, may_fail="relato dead-letters retry"
        )
        assert letter in said[0]
        assert key in said[1]
        assert "discard" in said[-1]
    await watched.becomes("a decision", lambda now: now.sum("relato_dead_letters_waiting") == 0)


async def test_somebody_holds_a_transaction_open(watched: Watched) -> None:
    look, end = sections()["RelatoTransactionOld"]
    url = databases.address(watched.state.postgres, "notes")
    held = await asyncpg.connect(url, server_settings={"application_name": "esquecida"})
    await held.execute("BEGIN")
    pid = held.get_server_pid()
    async with watched.sql("notes") as sql:
        # The minute that it asks for is not waited for.
        found = await sql.fetch(look.replace("interval '1 minute'", "interval '0 minutes'"))
        assert "esquecida" in {row["application_name"] for row in found if row["pid"] == pid}
        await sql.execute(end.replace("PID", str(pid)))

    async def gone() -> bool:
        return held.is_closed()

    await until(gone, what="the end of the transaction")


async def test_log_and_topic_move_to_more_partitions(watched: Watched, ticket: Ticket) -> None:
    since = datetime.now(UTC).isoformat()
    await ticket.record()
    await ticket.record()
    topic = f"v2-{uuid4().hex[:6]}.relato.notes"
    admin = AIOKafkaAdminClient(bootstrap_servers=watched.state.kafka)
    await admin.start()
    await admin.create_topics([NewTopic(topic, num_partitions=48, replication_factor=1)])
    await admin.close()
    dry, *_ = await follow(watched.stack, "Moving to more partitions", new_topic=topic, since=since)
    assert "0" in dry
    async with watched.sql("notes") as sql:
        wanted = {
            row["ticket_id"]: row["version"]
            for row in await sql.fetch("SELECT ticket_id, version FROM streams WHERE version > 0")
        }
    found = defaultdict(list)
    settings = KafkaSettings(kafka_bootstrap=watched.state.kafka)
    async for records in read(settings, [replace(NOTES, name=topic)]):
        for record in records:
            headers = dict(record.headers)
            assert headers["ce_replayid"]
            found[(record.key or b"").decode()].append(int(headers["ce_streamversion"] or b"0"))
    assert {key: max(versions) for key, versions in found.items()} == wanted
    for versions in found.values():
        first = list(dict.fromkeys(versions))
        assert first == sorted(first)


async def test_a_changed_projection_is_rolled_out_and_a_rebuild_waits_its_turn(
    watched: Watched, ticket: Ticket
) -> None:
    recorded = await ticket.record()
    await watched.stack.said("projections", "rebuild", "history", "--yes", "--detach")

    async def builds() -> bool:
        return "building" in {each["state"] for each in await watched.stack.json("projections", "list")}

    await until(builds, within=60, what="a generation that is built")
    listed, *_ = await follow(watched.stack, "RelatoHistoryLate")
    assert "building" in listed
    await watched.stack.said("projections", "cancel", "history", "--yes")

    async def alone() -> bool:
        return {each["state"] for each in await watched.stack.json("projections", "list")} == {"live"}

    await until(alone, within=60, what="an end of the rebuild")
    await follow(watched.stack, "Upgrade")
    await until(alone, within=60, what="the new generation alone")
    assert await ticket.history(recorded["version"])


async def test_an_upgrade_ends_before_the_switch_where_something_differs(
    watched: Watched, ticket: Ticket
) -> None:
    recorded = await ticket.record()
    await ticket.history(recorded["version"])
    async with watched.sql("history") as sql:
        await sql.execute("UPDATE history.occurrences SET channel = 'x' WHERE ticket_id = $1", ticket.id)
    line, drop = sections()["Upgrade"]
    _, compared = await typed(watched.stack, line, may_fail="relato projections verify")
    assert (ticket.id in compared, "1 differences" in compared) == (True, True)
    listed = await watched.stack.json("projections", "list")
    assert [each["state"] for each in listed] == ["live", "building"]
    # This time it is the one before that is wrong.
    for verb in ("switch", "rollback", "rollback"):
        await watched.stack.said("projections", verb, "history", "--yes")
    await typed(watched.stack, drop)
    listed = await watched.stack.json("projections", "list")
    assert [each["state"] for each in listed] == ["live"]


async def test_log_topic_histories_and_mails_agree(watched: Watched, ticket: Ticket) -> None:
    await ticket.record()
    await watched.well()
    # Other tests have left records on the topics that nobody of ours wrote: it names them.
    (said,) = await follow(watched.stack, "Backup and restore", may_fail="relato events verify")
    assert ticket.id not in said


async def _publish(watched: Watched, topic: str, key: str) -> None:
    """A record that nobody can read."""
    async with AIOKafkaProducer(bootstrap_servers=watched.state.kafka) as producer:
        await producer.send_and_wait(topic, b"no JSON", key.encode(), headers=[])


async def _letters(watched: Watched, key: str, number: int) -> list[str]:
    async def listed() -> list[str]:
        letters = json.loads(await watched.stack.said("dead-letters", "list", "--json"))
        found = [each["id"] for each in letters if each["key"] == key and each["state"] == "parked"]
        return found if len(found) >= number else []

    return await until(listed, within=40, what=f"{number} dead letters")


async def _mails(watched: Watched, ticket: Ticket) -> list[dict[str, str]]:
    listed: list[dict[str, str]] = await watched.stack.json("emails", "list", "--ticket", ticket.id)
    return listed


async def _mail_in(watched: Watched, ticket: Ticket, state: str, other_than: list[str] | None = None) -> str:
    async def there() -> str | None:
        found = [each["mail_id"] for each in await _mails(watched, ticket) if each["state"] == state]
        return next((each for each in found if each not in (other_than or [])), None)

    mail = await until(there, within=60, what=f"a mail that is {state}")
    assert mail is not None
    return mail
