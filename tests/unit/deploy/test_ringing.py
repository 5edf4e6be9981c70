"""What tests of the runbook ask about alerts: whether one rings if everything stays as it is."""

import pytest

from tests.support import ringing

_OF_NOTES = 'job="relato", service="notes", instance="notes"'


@pytest.mark.skipif(ringing.promtool() is None, reason="deploy/test-programs brings promtool")
async def test_an_alert_rings_for_what_is_broken_and_not_for_what_is_well() -> None:
    well = [f"up{{{_OF_NOTES}}} 1", f"relato_outbox_oldest_seconds{{{_OF_NOTES}}} 0.2"]
    broken = [f"up{{{_OF_NOTES}}} 0", f"relato_outbox_oldest_seconds{{{_OF_NOTES}}} 31.5"]
    for alert in ("RelatoProcessDown", "RelatoOutboxOld"):
        assert await ringing.ring(broken, alert)
        assert not await ringing.ring(well, alert)
