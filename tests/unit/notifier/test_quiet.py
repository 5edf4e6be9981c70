"""One chat mail in a while."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from notifier.compose import Suppressed
from notifier.event import Event
from notifier.quiet import ChatQuiet

from tests.support import stream
from tests.unit.notifier.test_compose import KNOWN, composed

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LINE = stream.chatted(by_requester=False, recipient_online=False)
[MAIL] = composed(LINE, KNOWN)
OFF = Suppressed(447, "requester", "ana@empresa.example", "t-447", "disabled")


def at(minutes: int) -> Event:
    return Event(UUID(int=minutes), 1, START + timedelta(minutes=minutes), None, None, LINE)


def test_within_the_period_nothing_more_is_sent_and_after_it_one() -> None:
    quiet = ChatQuiet(timedelta(minutes=15), {})

    assert [quiet.keeps(at(minute), MAIL) for minute in (0, 1, 14, 15, 16)] == [
        False, True, True, False, True,
    ]  # fmt: skip


def test_what_was_suppressed_keeps_back_no_mail_that_can_be_sent() -> None:
    quiet = ChatQuiet(timedelta(minutes=15), {})

    assert [quiet.keeps(at(0), OFF), quiet.keeps(at(1), OFF), quiet.keeps(at(2), MAIL)] == [
        False, True, False,
    ]  # fmt: skip


def test_earlier_mails_are_remembered_by_ticket_and_recipient() -> None:
    quiet = ChatQuiet(timedelta(minutes=15), {("1001", "ana@empresa.example", False): [START]})

    assert quiet.keeps(at(5), MAIL)
    assert not ChatQuiet(timedelta(minutes=15), {("1001", "x@y.example", False): [START]}).keeps(at(5), MAIL)
