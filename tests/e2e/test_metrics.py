"""Metrics tell the truth: what is done, what waits, and what went wrong, as operators would ask for it."""

from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from relato_contracts.topics import CATALOG

from tests.support import watched as watched_
from tests.support.journey import Ticket
from tests.support.metrics import Measured
from tests.support.stack import Stack
from tests.support.watched import Watched


@pytest.fixture
async def watched(stack: Stack) -> Watched:
    return watched_.watched(stack)


async def test_what_is_done_is_counted_and_timed(watched: Watched, ticket: Ticket) -> None:
    before = await watched.now()
    recorded = await ticket.record(visible_to_requester=True)
    await ticket.refused("ana", f"/occurrences/{recorded['occurrence_id']}/retraction", {"reason": "não"})
    await ticket.history(recorded["version"])

    def more(now: Measured, name: str, **labels: str) -> float:
        return now.sum(name, **labels) - before.sum(name, **labels)

    now = await watched.becomes(
        "the event to be counted everywhere",
        lambda now: (
            more(now, "relato_projection_delay_seconds_count") >= 1 and more(now, "relato_relayed_total") >= 1
        ),
    )
    assert more(now, "relato_command_seconds_count", command="RecordOccurrence", outcome="accepted") == 1
    refused = more(now, "relato_command_seconds_count", command="RetractOccurrence", outcome="refused")
    forbidden = more(
        now,
        "relato_http_request_seconds_count",
        route="/api/notes/tickets/{ticket_id}/occurrences/{occurrence_id}/retraction",
    )
    assert (refused, forbidden) == (1, 1)
    assert 0 < more(now, "relato_command_seconds_sum", command="RecordOccurrence") < 30
    assert 0 < more(now, "relato_projection_delay_seconds_sum") < 30
    assert now.sum("relato_ready") == 4


async def test_what_waits_for_the_broker_is_counted_while_it_is_away(
    watched: Watched, ticket: Ticket
) -> None:
    async with watched.stopped("kafka"):
        await ticket.record()
        await watched.becomes(
            "the outbox to age",
            lambda now: now.sum("relato_outbox_pending") >= 1 and now.sum("relato_outbox_oldest_seconds") > 3,
        )
    await watched.becomes(
        "an empty outbox",
        lambda now: (
            now.sum("relato_outbox_pending") == 0
            and now.sum("relato_outbox_oldest_seconds") == 0
            and now.sum("relato_ready") == 4
        ),
        within=60,
    )


async def test_a_consumer_that_is_held_up_is_behind_in_its_partition(
    watched: Watched, ticket: Ticket
) -> None:
    async with watched.sql("history") as sql, sql.transaction():
        await sql.execute("LOCK TABLE positions IN EXCLUSIVE MODE")
        await ticket.record()
        await ticket.record()
        now = await watched.becomes(
            "lag and age of a transaction",
            lambda now: (
                now.sum("relato_consumer_lag", topic="relato.notes") >= 1
                and now.sum("relato_oldest_transaction_seconds") > 2
            ),
        )
        assert len(now.labels("relato_consumer_lag", "partition")) > 1
    await watched.becomes(
        "a consumer that is level",
        lambda now: (
            now.sum("relato_consumer_lag") == 0
            and now.sum("relato_oldest_transaction_seconds") < 2
            and now.sum("relato_ready") == 4
        ),
        within=60,
    )


async def test_mails_are_counted_by_state_until_they_are_accepted(
    watched: Watched, ticket: Ticket, ana_address: str
) -> None:
    before = await watched.now()
    # Again and again, since the wait for the first new attempt may end before anybody counts.
    refusals = ["451 4.3.0 later"] * 100
    answers = ticket.mailbox.answers[ana_address]
    answers += refusals
    ticket.mailbox.patience.clear()
    await ticket.record(visible_to_requester=True, notify_by_email=True)
    await watched.becomes(
        "a mail that is tried again",
        lambda now: now.sum("relato_mails", state="retry") == before.sum("relato_mails", state="retry") + 1,
    )
    refused = len(refusals) - len(answers)
    answers[:] = ["slow 250 taken"]
    await watched.becomes(
        "a mail that is being handed over",
        lambda now: now.sum("relato_mails", state="submitting") >= 1,
        within=60,
    )
    ticket.mailbox.patience.set()
    now = await watched.becomes(
        "the mail to be accepted",
        lambda now: (
            now.sum("relato_mail_attempts_total", state="accepted")
            == before.sum("relato_mail_attempts_total", state="accepted") + 1
            and now.sum("relato_mails", state="submitting") == 0
        ),
    )
    attempts = [each.sum("relato_mail_attempts_total", state="retry") for each in (before, now)]
    assert attempts[1] == attempts[0] + refused
    await watched.becomes(
        "its outcome to be told",
        lambda now: (
            now.sum("relato_mail_outcomes_pending") == 0 and now.sum("relato_mails_overdue_seconds") < 2
        ),
    )


async def test_dead_letters_are_counted_until_somebody_decides(watched: Watched) -> None:
    before = await watched.now()
    key = f"broken-{uuid4()}"
    async with AIOKafkaProducer(bootstrap_servers=watched.state.kafka) as producer:
        await producer.send_and_wait(CATALOG.name, b"no JSON", key.encode(), headers=[])
    consumers = {"notes-reference", "history-reference"}
    await watched.becomes(
        "the dead letters",
        lambda now: all(
            now.sum(name, consumer=consumer) == before.sum(name, consumer=consumer) + 1
            for name in ("relato_dead_letters_total", "relato_dead_letters_waiting")
            for consumer in consumers
        ),
    )
    for database in ("notes", "notifier", "history"):
        async with watched.sql(database) as sql:
            await sql.execute(
                "UPDATE dead_letters SET state = 'discarded' WHERE convert_from(key, 'UTF8') = $1", key
            )
    await watched.becomes(
        "nothing that waits",
        lambda now: now.sum("relato_dead_letters_waiting") == before.sum("relato_dead_letters_waiting"),
    )
