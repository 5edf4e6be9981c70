"""The ledger: no mail goes out twice, and each that may have gone out says so."""

import re

import pytest

from tests.model import sending
from tests.model.conftest import FOUND_WITHIN, SCHEDULES, Stage, schedules
from tests.model.schedule import Violated
from tests.model.stepped import Changes

_HELD = (
    "AND lease = $3 AND attempts = given.attempt AND state = 'leased' AND leased_until > clock_timestamp()"
)


async def test_no_mail_goes_out_twice_and_none_is_forgotten_in_all_schedules(
    notifier_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sending.prepare(notifier_stage, monkeypatch)
    for schedule in schedules(notifier_stage, 0, SCHEDULES):
        try:
            await sending.explore(notifier_stage, schedule, Changes())
        except Violated as violated:
            pytest.fail("\n".join([*schedule.trace, str(violated)]))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param(
            ("ORDER BY due_at, mail_id", "FOR UPDATE SKIP LOCKED", ""),
            "begins to hand over|went out",
            id="mails are claimed without a lock",
        ),
        pytest.param(
            ("INSERT INTO attempts", _HELD, "AND $3::uuid IS NOT NULL"),
            "begins to hand over|went out",
            id="nobody looks at the lease before handing over",
        ),
        pytest.param(
            ("INSERT INTO attempts", "AND leased_until > clock_timestamp()", ""),
            "after its lease ran out",
            id="a lease does not end by itself",
        ),
        pytest.param(
            ("the process ended while handing it over", "SET state = 'uncertain'", "SET state = 'planned'"),
            "went out",
            id="what a dead process was handing over is sent again",
        ),
    ],
)
async def test_a_missing_safeguard_is_missed(
    notifier_stage: Stage, monkeypatch: pytest.MonkeyPatch, changed: tuple[str, str, str], said: str
) -> None:
    await sending.prepare(notifier_stage, monkeypatch)
    for schedule in schedules(notifier_stage, 0, FOUND_WITHIN):
        changes = Changes(changed)
        try:
            await sending.explore(notifier_stage, schedule, changes)
        except Violated as violated:
            assert changes.all_made
            assert re.search(said, str(violated))
            return
    raise AssertionError("the missing safeguard was not missed")
