"""The ledger or its topic is put back from a backup: no mail goes out twice, none that may have is denied."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import asyncpg
import pytest
from notifier import ledger, levelling
from notifier.ledger import LedgerError, MailSummary
from relato_contracts.notifications import EmailAccepted, EmailUncertain
from relato_contracts.topics import NOTIFICATIONS

from tests.conftest import PARTITIONS
from tests.integration.notifier.conftest import ANA, Notifier
from tests.support import stream
from tests.support.databases import back_up, put_back
from tests.support.topics import make_anew, read_all
from tests.support.waiting import until


async def backed_up(notifier: Notifier) -> Callable[[], Awaitable[None]]:
    """Back up the ledger of a notifier that is stopped for it; gives what puts the backup back."""
    url = notifier.settings.database_url.get_secret_value()
    await notifier.stop()
    await notifier.database.close()
    backup = await back_up(url)
    notifier.database = await asyncpg.connect(url)

    async def restore() -> None:
        await notifier.database.close()
        await put_back(url, backup)
        notifier.database = await asyncpg.connect(url)

    return restore


async def told(notifier: Notifier) -> None:
    """Wait until Kafka has every outcome."""

    async def emptied() -> bool:
        return bool(await notifier.database.fetchval("SELECT NOT EXISTS (SELECT FROM outbox)"))

    await until(emptied, what="an empty outbox")


def taken(notifier: Notifier) -> int:
    """How many mails the server has taken."""
    return len(notifier.mailbox.taken)


async def test_a_mail_that_kafka_knows_to_have_gone_out_is_not_sent_again(notifier: Notifier) -> None:
    restore = await backed_up(notifier)
    await notifier.start()
    await notifier.note(stream.to_requester(notify_by_email=True))
    [before] = await notifier.mails(1, "accepted")
    await told(notifier)
    await notifier.stop()

    await restore()
    await notifier.start()
    [mail] = await notifier.mails(1, "accepted")
    await notifier.taken_in()
    assert mail["mail_id"] == before["mail_id"]
    assert taken(notifier) == 1
    assert len(await notifier.outcomes(1)) == 1, "it was told once"


async def test_without_that_it_goes_out_twice(notifier: Notifier, monkeypatch: pytest.MonkeyPatch) -> None:
    restore = await backed_up(notifier)
    await notifier.start()
    await notifier.note(stream.to_requester(notify_by_email=True))
    await notifier.mails(1, "accepted")
    await told(notifier)
    await notifier.stop()

    async def nothing(*_: object) -> None:
        """As if it were level."""

    monkeypatch.setattr(levelling, "level", nothing)
    await restore()
    await notifier.start()
    await notifier.mails(1, "accepted")
    assert taken(notifier) == 2


async def test_a_mail_of_which_nobody_knows_is_uncertain_and_not_sent(notifier: Notifier) -> None:
    restore = await backed_up(notifier)
    await notifier.start()
    await notifier.note(stream.to_requester(notify_by_email=True))
    await notifier.mails(1, "accepted")
    await told(notifier)
    await notifier.stop()
    # As if the process had ended before it could tell.
    await make_anew(notifier.settings, NOTIFICATIONS, partitions=PARTITIONS)

    await restore()
    await notifier.start()
    [mail] = await notifier.mails(1, "uncertain")
    assert "put back" in (mail["reason"] or "")
    [(_, outcome)] = await notifier.outcomes(1)
    assert isinstance(outcome, EmailUncertain)
    assert taken(notifier) == 1


async def test_a_mail_that_was_open_in_the_backup_is_uncertain_and_those_of_later_facts_go_out(
    notifier: Notifier,
) -> None:
    notifier.mailbox.answers[ANA] = ["451 later"] * 1_000
    await notifier.note(stream.to_requester(1, notify_by_email=True))
    await notifier.tried()
    restore = await backed_up(notifier)
    notifier.mailbox.answers[ANA] = []

    await restore()
    await notifier.start()
    await notifier.mails(1, "uncertain")
    await notifier.note(stream.to_requester(2, notify_by_email=True))
    mails = await notifier.mails(2, "uncertain", "accepted")
    assert sorted(each["state"] for each in mails) == ["accepted", "uncertain"]
    assert taken(notifier) == 1


async def test_a_ledger_that_was_not_put_back_doubts_nothing(notifier: Notifier) -> None:
    notifier.mailbox.answers[ANA] = ["451 later"] * 1_000
    await notifier.note(stream.to_requester(1, notify_by_email=True))
    await notifier.tried()
    await notifier.stop()
    notifier.mailbox.answers[ANA] = []
    await notifier.start()
    await notifier.mails(1, "accepted")


async def test_outcomes_that_the_broker_has_lost_are_told_again_as_they_were(notifier: Notifier) -> None:
    await notifier.note(
        stream.to_requester(1, notify_by_email=True), stream.to_requester(2, notify_by_email=True)
    )
    await notifier.mails(2, "accepted")
    await told(notifier)
    before = await notifier.outcomes(2)
    await notifier.stop()
    await make_anew(notifier.settings, NOTIFICATIONS, partitions=PARTITIONS)
    await notifier.start()
    await read_all(notifier.settings, NOTIFICATIONS, count=2)
    again = await notifier.outcomes(2)
    assert {(envelope.id, fact.mail_id) for envelope, fact in again} == {
        (envelope.id, fact.mail_id) for envelope, fact in before
    }
    assert all(isinstance(fact, EmailAccepted) for _, fact in again)
    assert taken(notifier) == 2


async def test_a_mail_whose_text_was_lost_cannot_be_sent_by_hand(notifier: Notifier) -> None:
    await notifier.note(stream.to_requester(1, notify_by_email=True))
    [mail] = await notifier.mails(1, "accepted")
    await notifier.database.execute("UPDATE mails SET state = 'uncertain', source = NULL")
    with pytest.raises(LedgerError, match="lost"):
        await ledger.resend(notifier.database, _id(mail))


def _id(mail: MailSummary) -> UUID:
    return UUID(mail["mail_id"])
