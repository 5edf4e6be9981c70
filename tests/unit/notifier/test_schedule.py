"""When a mail is tried again, and whose turn it is."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from notifier.rates import Rate, admit
from notifier.retry import Patience, next_attempt
from notifier.send import patience_of
from notifier.settings import NotifierSettings
from pydantic import HttpUrl, SecretStr

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PATIENCE = Patience(5, timedelta(seconds=10), timedelta(minutes=10), timedelta(hours=72))
LIMITS = {"recipient": Rate(60, 3), "domain": Rate(600, 100)}
ANA = "ana@empresa.example"


@given(st.floats(0, 1))
def test_the_first_retry_comes_within_150_seconds(chance: float) -> None:
    due = next_attempt(1, NOW, NOW, chance, PATIENCE)

    assert due is not None and NOW <= due <= NOW + timedelta(seconds=150)


def test_the_time_to_a_retry_doubles_up_to_a_limit() -> None:
    patience = Patience(10_000, timedelta(seconds=10), timedelta(minutes=10), timedelta(days=9))
    waits = [next_attempt(attempts, NOW, NOW, 1, patience) for attempts in (1, 2, 3, 50, 9_999)]

    assert [(due - NOW).total_seconds() for due in waits if due] == [10, 20, 40, 600, 600]


def test_attempts_and_age_are_bounded() -> None:
    assert next_attempt(5, NOW, NOW, 0, PATIENCE) is None
    assert next_attempt(1, NOW - timedelta(hours=73), NOW, 0, PATIENCE) is None


@pytest.mark.parametrize("chance", [0.2, 0.5, 1])
def test_unless_set_otherwise_a_mail_is_tried_for_three_days_while_its_server_is_away(chance: float) -> None:
    patience = patience_of(
        NotifierSettings(
            database_url=SecretStr("postgresql:///unused"),
            kafka_bootstrap="unused",
            oidc_issuer="http://unused",
            smtp_url=SecretStr("smtp://unused"),
            public_url=HttpUrl("http://relato.example"),
        )
    )
    attempts, last = 1, NOW
    while due := next_attempt(attempts, NOW, last, chance, patience):
        attempts, last = attempts + 1, due

    assert timedelta(hours=71) < last - NOW <= timedelta(hours=72)


def test_a_burst_goes_at_once_and_the_rest_one_after_the_other() -> None:
    next_at: dict[str, datetime] = {}

    turns = [admit(ANA, 0, next_at, NOW, LIMITS) for _ in range(6)]

    assert [turn.now for turn in turns] == [True, True, True, False, False, False]
    assert [(turn.due_at - NOW).total_seconds() for turn in turns[3:]] == [1, 2, 3]


def test_a_mail_that_waited_for_its_turn_does_not_wait_again() -> None:
    next_at: dict[str, datetime] = {}
    late = [admit(ANA, 0, next_at, NOW, LIMITS) for _ in range(9)][-1]

    assert admit(ANA, late.slots, next_at, late.due_at, LIMITS).now


def test_one_recipient_uses_up_no_other_ones_rate() -> None:
    next_at: dict[str, datetime] = {}
    for _ in range(50):
        admit(ANA, 0, next_at, NOW, LIMITS)

    assert admit("bia@empresa.example", 0, next_at, NOW, LIMITS).now


@given(st.lists(st.floats(0, 30), min_size=1, max_size=60))
def test_no_recipient_ever_gets_more_than_the_rate_allows(gaps: list[float]) -> None:
    next_at: dict[str, datetime] = {}
    now, due = NOW, []
    for gap in gaps:
        now += timedelta(seconds=gap)
        due.append(admit(ANA, 0, next_at, now, LIMITS).due_at)

    for start in due:
        within = [each for each in due if start <= each < start + timedelta(minutes=1)]
        assert len(within) <= 60 + 3
