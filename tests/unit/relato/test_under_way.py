"""What commands say that wait for jobs of services."""

import pytest
from relato.commands.under_way import files


@pytest.mark.parametrize(
    ("seconds", "within"),
    [(35.0, "35 seconds"), (119.2, "120 seconds"), (360.0, "6 minutes"), (361, "7 min")],
)
def test_how_long_brokers_keep_files_is_said_in_whole_seconds_or_minutes(seconds: float, within: str) -> None:
    assert f"are deleted within {within}" in files(seconds)


def test_where_brokers_do_not_say_how_long_nobody_promises_anything() -> None:
    assert "do not say" in files(None)
