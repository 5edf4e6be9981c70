"""What becomes of a mail when the mail server, or the notifier itself, does not do as it should."""

import asyncio
import os
import signal
import sys
from collections import Counter
from typing import Any
from uuid import UUID

import pytest
from notifier import leases, ledger, publish, send
from notifier.ledger import LedgerError
from pydantic import SecretStr
from relato.stack.ports import free
from relato_contracts.notifications import EmailAccepted, EmailRejected, EmailSuppressed, EmailUncertain
from relato_runtime import stopping

from tests.integration.notifier.conftest import ANA, CARLOS, Notifier
from tests.support import stream, world
from tests.support.waiting import until


async def test_a_refusal_for_now_is_tried_again_until_it_is_taken(notifier: Notifier) -> None:
    notifier.mailbox.answers[ANA] = ["451 later", "refuse 450 greylisted", "250 taken"]

    await notifier.note(stream.to_requester(notify_by_email=True))

    [mail] = await notifier.mails(1, "accepted")
    assert mail["attempts"] == 3
    attempts = await notifier.database.fetch("SELECT outcome, code, answer FROM attempts ORDER BY attempt")
    assert [tuple(attempt) for attempt in attempts] == [
        ("retry", 451, "later"),
        ("retry", 450, "greylisted"),
        ("accepted", 250, "taken"),
    ]
    assert [type(outcome) for _, outcome in await notifier.outcomes(1)] == [EmailAccepted]


@pytest.mark.parametrize("answer", ["554 spam", "refuse 550 no such user"])
async def test_a_refusal_for_good_is_final_and_told(notifier: Notifier, answer: str) -> None:
    notifier.mailbox.answers[ANA] = [answer]

    await notifier.note(stream.to_requester(notify_by_email=True))

    [mail] = await notifier.mails(1, "rejected")
    assert mail["attempts"] == 1
    detail = await ledger.one(notifier.database, UUID(mail["mail_id"]))
    assert detail["last_answer"] is not None
    assert str(detail["last_answer"]["code"]) in answer
    assert detail["source"] is not None and "Mensagem 1" in detail["source"]
    [(_, outcome)] = await notifier.outcomes(1)
    assert isinstance(outcome, EmailRejected)
    assert outcome.reason in answer


@pytest.mark.parametrize("answer", ["hang", "cut"])
async def test_a_mail_handed_over_without_an_answer_is_uncertain_and_not_sent_again(
    hasty: Notifier, answer: str
) -> None:
    hasty.mailbox.answers[ANA] = [answer]

    await hasty.note(stream.to_requester(1, notify_by_email=True))
    [mail] = await hasty.mails(1, "uncertain")
    await hasty.note(stream.to_attendant(2))
    await hasty.mails(2, "uncertain", "accepted")

    assert hasty.mailbox.seen == [ANA, CARLOS]
    assert isinstance((await hasty.outcomes(2))[0][1], EmailUncertain)

    await ledger.resend(hasty.database, UUID(mail["mail_id"]))

    await hasty.mails(2, "accepted")
    assert hasty.mailbox.seen == [ANA, CARLOS, ANA]
    assert isinstance((await hasty.outcomes(3))[2][1], EmailAccepted)


async def test_mails_wait_while_the_mail_server_is_away(notifier: Notifier) -> None:
    await notifier.mailbox.close()
    await notifier.note(stream.to_requester(notify_by_email=True))
    await notifier.tried()

    await notifier.mailbox.open()

    [mail] = await notifier.mails(1, "accepted")
    assert mail["attempts"] > 1


async def test_a_connection_that_the_server_dropped_meanwhile_loses_nothing(notifier: Notifier) -> None:
    await notifier.note(stream.to_requester(1, notify_by_email=True))
    await notifier.mails(1, "accepted")
    await notifier.mailbox.close()
    await notifier.mailbox.open()

    await notifier.note(stream.to_requester(2, notify_by_email=True))

    await notifier.mails(2, "accepted")
    assert notifier.mailbox.seen == [ANA, ANA]


async def test_what_is_refused_too_often_is_given_up_and_told(idle: Notifier) -> None:
    await idle.publish(*world.world())
    await idle.start(attempts_limit=2)
    await idle.taken_in()
    idle.mailbox.answers[ANA] = ["451 later"] * 5

    await idle.note(stream.to_requester(notify_by_email=True))

    [mail] = await idle.mails(1, "dead")
    assert (mail["attempts"], mail["reason"]) == (2, "later")
    assert [type(outcome) for _, outcome in await idle.outcomes(1)] == [EmailRejected]

    idle.mailbox.answers[ANA].clear()
    await ledger.retry(idle.database, UUID(mail["mail_id"]))

    await idle.mails(1, "accepted")


async def test_a_mail_that_was_given_up_has_all_its_patience_again_once_it_is_retried(idle: Notifier) -> None:
    await idle.publish(*world.world())
    await idle.start(attempts_limit=2)
    await idle.taken_in()
    idle.mailbox.answers[ANA] = ["451 later"] * 3
    await idle.note(stream.to_requester(notify_by_email=True))
    [mail] = await idle.mails(1, "dead")
    await idle.database.execute("UPDATE mails SET planned_at = planned_at - interval '73 hours'")

    await ledger.retry(idle.database, UUID(mail["mail_id"]))

    [mail] = await idle.mails(1, "accepted")
    assert mail["attempts"] == 4
    outcomes = await idle.database.fetch("SELECT outcome FROM attempts ORDER BY attempt")
    assert [attempt["outcome"] for attempt in outcomes] == ["retry", "dead", "retry", "accepted"]


async def test_one_recipient_with_too_many_mails_holds_up_no_other(idle: Notifier) -> None:
    await idle.publish(*world.world())
    await idle.start(recipient_per_minute=60, recipient_burst=2)
    await idle.taken_in()

    await idle.note(
        *(stream.to_requester(number, notify_by_email=True) for number in range(20)),
        stream.to_attendant(99),
    )

    async def carlos_has_his() -> bool:
        return bool(idle.mailbox.to(CARLOS))

    await until(carlos_has_his)
    assert len(idle.mailbox.to(ANA)) <= 5

    async def another_in_time() -> bool:
        return len(idle.mailbox.to(ANA)) >= 4

    await until(another_in_time)
    states = Counter(mail["state"] for mail in await ledger.listing(idle.database))
    assert states["planned"] >= 10


async def test_a_mail_that_a_killed_process_was_handing_over_is_uncertain(idle: Notifier) -> None:
    await idle.publish(*world.world())
    idle.mailbox.answers[ANA] = ["hang"]
    # Long enough for the kill to come before the timeout.
    idle.settings = idle.settings.model_copy(
        update={"smtp_connect_seconds": 1, "smtp_timeout_seconds": 5, "lease_seconds": 11}
    )
    process = await _own_process(idle)
    try:
        await idle.note(stream.to_requester(1, notify_by_email=True))

        async def handed_over() -> bool:
            return bool(idle.mailbox.seen)

        await until(handed_over)
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()

    await idle.start()

    [mail] = await idle.mails(1, "uncertain")
    await idle.note(stream.to_requester(2, notify_by_email=True))
    await idle.mails(2, "uncertain", "accepted", within=40)
    assert idle.mailbox.seen == [ANA, ANA]
    detail = await ledger.one(idle.database, UUID(mail["mail_id"]))
    assert detail["last_answer"] is not None and detail["last_answer"]["outcome"] == "uncertain"


async def test_a_process_told_to_stop_finishes_the_mail_in_its_hands(idle: Notifier) -> None:
    await idle.publish(*world.world())
    idle.mailbox.answers[ANA] = ["slow 250 taken"]
    process = await _own_process(idle)
    await idle.note(stream.to_requester(notify_by_email=True))

    async def handed_over() -> bool:
        return bool(idle.mailbox.seen)

    await until(handed_over)
    process.send_signal(signal.SIGTERM)
    idle.mailbox.patience.set()

    async with asyncio.timeout(stopping.IN_ALL):
        assert await process.wait() == 0
    [mail] = await ledger.listing(idle.database)
    assert mail["state"] == "accepted"


async def test_a_process_told_to_stop_ends_by_itself_in_time_whatever_holds_it(idle: Notifier) -> None:
    await idle.publish(*world.world())
    idle.mailbox.answers[ANA] = ["hang"]
    port = free()
    process = await _own_process(idle, HTTP_PORT=str(port))
    await idle.note(stream.to_requester(notify_by_email=True))

    async def handed_over() -> bool:
        return bool(idle.mailbox.seen)

    await until(handed_over)
    # A request of which the rest never comes: the server says that it waits for it.
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"POST /api/notifier/test-mails HTTP/1.1\r\nHost: relato\r\nContent-Type: application/json\r\n"
        b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    )
    assert b"100 Continue" in await reader.readline()
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(stopping.IN_ALL):
        assert await process.wait() == 0
    writer.close()


async def test_what_is_claimed_while_the_process_ends_is_given_back(
    idle: Notifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed, told = asyncio.Event(), asyncio.Event()
    claim = leases.claim

    async def slowly(*given: Any) -> tuple[list[leases.Leased], bool]:
        """The commit's answer takes its time."""
        mails, any_due = await claim(*given)
        if mails:
            claimed.set()
            await told.wait()
        return mails, any_due

    monkeypatch.setattr(leases, "claim", slowly)
    await idle.publish(*world.world())
    await idle.start()
    await idle.note(stream.to_requester(notify_by_email=True))
    await claimed.wait()
    stopped = asyncio.create_task(idle.stop())

    async def ending() -> bool:
        return any(each.get_name() == "senders" and each.cancelling() for each in asyncio.all_tasks())

    await until(ending, what="the end of the loop")
    told.set()
    await stopped
    [mail] = await ledger.listing(idle.database)
    assert (mail["state"], mail["attempts"], idle.mailbox.seen) == ("planned", 0, [])


async def test_a_process_told_to_stop_gives_back_what_it_has_not_begun(idle: Notifier) -> None:
    tickets = [str(2000 + number) for number in range(8)]
    await idle.publish(*world.world(), *(world.ticket(each) for each in tickets))
    process = await _own_process(idle, SENDERS="1")
    idle.mailbox.answers[ANA] = ["slow 250 taken"] * 2
    for number, ticket_id in enumerate(tickets):
        idle.version = 0
        await idle.note(stream.to_requester(number, ticket_id=ticket_id, notify_by_email=True))

    async def states() -> Counter[str]:
        return Counter(each["state"] for each in await ledger.listing(idle.database))

    async def waiting_for_the_first() -> bool:
        return (await states()).total() == 8 and len(idle.mailbox.seen) == 1

    await until(waiting_for_the_first)
    idle.mailbox.patience.set()
    idle.mailbox.patience.clear()

    async def claimed_ahead() -> bool:
        return len(idle.mailbox.seen) == 2 and (await states())["leased"] > 0

    await until(claimed_ahead)
    process.send_signal(signal.SIGTERM)

    async def given_back() -> bool:
        return await states() == {"accepted": 1, "submitting": 1, "planned": 6}

    await until(given_back)
    idle.mailbox.patience.set()
    await process.wait()
    assert await states() == {"accepted": 2, "planned": 6}
    await idle.start()
    mails = await idle.mails(8, "accepted")
    assert {each["attempts"] for each in mails} == {1}
    assert idle.mailbox.seen == [ANA] * 8


async def test_an_answer_that_comes_while_the_database_is_away_is_still_recorded(notifier: Notifier) -> None:
    notifier.mailbox.answers[ANA] = ["slow 250 taken"]
    await notifier.note(stream.to_requester(notify_by_email=True))

    async def handed_over() -> bool:
        return bool(notifier.mailbox.seen)

    await until(handed_over)
    await notifier.database.execute(
        """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
        """
    )
    notifier.mailbox.patience.set()

    [mail] = await notifier.mails(1, "accepted")
    assert mail["attempts"] == 1
    assert notifier.mailbox.seen == [ANA]


async def test_nobody_has_to_look_for_what_the_process_has_said_itself(
    idle: Notifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in ((publish, "_POLL_SECONDS"), (send, "_POLL_SECONDS"), (send, "_REST_SECONDS")):
        monkeypatch.setattr(module, name, 3_600)
    await idle.publish(*world.world())
    await idle.start(reference_patience_seconds=0.3)
    await idle.taken_in()

    await idle.note(stream.to_requester(1, notify_by_email=True))
    await idle.mails(1, "accepted")
    assert [type(outcome) for _, outcome in await idle.outcomes(1)] == [EmailAccepted]

    await idle.note(stream.to_requester(2, ticket_id="9999", notify_by_email=True))
    await idle.mails(2, "accepted", "suppressed")
    assert {type(outcome) for _, outcome in await idle.outcomes(2)} == {EmailAccepted, EmailSuppressed}


async def test_two_processes_send_each_mail_once(idle: Notifier) -> None:
    tickets = [str(2000 + number) for number in range(40)]
    await idle.publish(*world.world(), *(world.ticket(each) for each in tickets))
    await idle.start(senders=8)
    await idle.start(senders=8)
    await idle.taken_in()

    for ticket_id in tickets:
        idle.version = 0
        await idle.note(
            *(
                stream.to_requester(5 * int(ticket_id) + number, ticket_id=ticket_id, notify_by_email=True)
                for number in range(5)
            )
        )

    await idle.mails(200, "accepted", within=60)
    texts = Counter(message.as_string().split("Mensagem ")[1].split()[0] for message in idle.mailbox.to(ANA))
    assert len(texts) == 200
    assert set(texts.values()) == {1}
    assert len(await idle.outcomes(200)) == 200


async def test_what_one_recipient_hears_of_a_ticket_comes_in_order_and_holds_up_no_other(
    notifier: Notifier,
) -> None:
    notifier.mailbox.answers[ANA] = ["slow 250 taken"]
    await notifier.publish(world.ticket("2001"))
    await notifier.taken_in()

    await notifier.note(*(stream.to_requester(number, notify_by_email=True) for number in range(1, 9)))
    notifier.version = 0
    await notifier.note(stream.to_attendant(9, ticket_id="2001"))

    await until(lambda: _is_there(notifier, CARLOS), what="the mail to Carlos")
    assert notifier.mailbox.to(ANA) == []
    notifier.mailbox.patience.set()
    await notifier.mails(9, "accepted")
    texts = [message.as_string().split("Mensagem ")[1].split()[0] for message in notifier.mailbox.to(ANA)]
    assert texts == [str(number) for number in range(1, 9)]


async def _is_there(notifier: Notifier, recipient: str) -> bool:
    return bool(notifier.mailbox.to(recipient))


async def test_a_dropped_mail_is_not_sent_and_its_reason_is_told(hasty: Notifier) -> None:
    hasty.mailbox.answers[ANA] = ["hang"]
    await hasty.note(stream.to_requester(notify_by_email=True))
    [mail] = await hasty.mails(1, "uncertain")
    mail_id = UUID(mail["mail_id"])

    await ledger.drop(hasty.database, mail_id, "respondido por telefone")

    [mail] = await hasty.mails(1, "suppressed")
    assert mail["reason"] == "dropped: respondido por telefone"
    assert isinstance((await hasty.outcomes(2))[1][1], EmailSuppressed)
    with pytest.raises(LedgerError, match="suppressed"):
        await ledger.resend(hasty.database, mail_id)
    with pytest.raises(LedgerError, match="no mail"):
        await ledger.one(hasty.database, UUID(int=0))


async def _own_process(idle: Notifier, **settings: str) -> asyncio.subprocess.Process:
    """The notifier as the local stack runs it, once it is ready."""
    given = idle.settings.model_dump(exclude_unset=True)
    environment = {
        f"RELATO_{name.upper()}": value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in given.items()
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "notifier"),
        env={"PATH": os.environ["PATH"], "RELATO_HTTP_PORT": "0"}
        | environment
        | {f"RELATO_{name}": value for name, value in settings.items()},
    )
    idle.running.push_async_callback(_ended, process)
    await idle.taken_in()
    return process


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Also when the test has failed before it came to that."""
    if process.returncode is None:
        process.kill()
        await process.wait()


async def test_mails_do_not_wait_for_a_clock_that_was_set_back(notifier: Notifier) -> None:
    await notifier.stop()
    # As a clock leaves it behind that was an hour ahead.
    await notifier.database.execute("UPDATE clock_seen SET at = now() + interval '1 hour'")
    await notifier.database.execute(
        "INSERT INTO rates VALUES ('recipient:' || $1, now() + interval '1 hour')", ANA
    )
    await notifier.start()
    await notifier.note(stream.to_requester(notify_by_email=True))
    await notifier.mails(1, "accepted")
