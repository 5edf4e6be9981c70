"""Moments and durations as each reader writes them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from jinja2 import Environment
from portal_query.pages import formats
from portal_query.pages.reader import Reader

MOMENT = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)


def read_by(language: str, zone: str, template: str) -> str:
    """What a reader is shown of the moment."""
    environment = Environment(autoescape=True)
    environment.filters |= {
        name: getattr(formats, name) for name in ("moment", "day", "clock", "duration", "iso")
    }
    reader = Reader(language, ZoneInfo(zone), now=datetime(2026, 12, 1, tzinfo=UTC))
    return environment.from_string(template).render(reader=reader, at=MOMENT)


@pytest.mark.parametrize(
    ("language", "zone", "shown"),
    [
        ("pt-BR", "America/Sao_Paulo", "23 de nov., 23:30"),
        ("en", "Europe/London", "Nov 24, 2:30 AM"),
        ("es", "Europe/Madrid", "24 nov, 3:30"),
    ],
)
def test_a_moment_is_in_the_readers_zone_and_language(language: str, zone: str, shown: str) -> None:
    assert read_by(language, zone, "{{ at | moment }}").replace("\u202f", " ") == shown


def test_a_moment_of_another_year_says_so() -> None:
    shown = read_by("pt-BR", "UTC", "{{ '2024-02-29T10:00:00Z' | day }}")
    assert shown == "29 de fev. de 2024"


@pytest.mark.parametrize(
    ("minutes", "shown"), [(0, "0 min"), (5, "5 min"), (60, "1 h"), (90, "1 h 30 min"), (90_000, "1.500 h")]
)
def test_durations_are_hours_and_minutes(minutes: int, shown: str) -> None:
    assert read_by("pt-BR", "UTC", f"{{{{ {minutes} | duration }}}}") == shown


@pytest.mark.parametrize(("minutes", "apart"), [(-6, True), (0, False), (5, False), (6, True)])
def test_what_is_recorded_at_once_has_one_time_and_else_two(minutes: int, apart: bool) -> None:
    happened = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    assert formats.apart(happened, (happened + timedelta(minutes=minutes)).isoformat()) is apart


def test_machines_read_utc() -> None:
    assert read_by("es", "Europe/Madrid", "{{ at | iso }}") == "2026-11-24T02:30:00.000+00:00"
