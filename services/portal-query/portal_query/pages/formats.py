"""Moments, durations and numbers as a reader writes them: filters of the templates."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

from babel import Locale
from babel.dates import format_datetime, format_skeleton, format_time
from babel.numbers import format_decimal
from jinja2 import pass_context
from jinja2.runtime import Context

from portal_query.pages.reader import Reader

_SAME = timedelta(minutes=5)
"""What is told so soon after it happened is told as it happens."""


def _reader(context: Context) -> Reader:
    reader = context["reader"]
    assert isinstance(reader, Reader)
    return reader


def _time(value: datetime | str) -> datetime:
    """Rows carry times, and facts within them carry text (RFC 3339)."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


@pass_context
def moment(context: Context, value: datetime | str) -> str:
    """Date and time in the reader's zone: 24 de nov., 12:17."""
    return f"{day(context, value)}, {clock(context, value)}"


@pass_context
def day(context: Context, value: datetime | str) -> str:
    """The date in the reader's zone, with its year where that is another one."""
    reader = _reader(context)
    local = _time(value).astimezone(reader.zone)
    skeleton = "MMMd" if local.year == reader.now.astimezone(reader.zone).year else "yMMMd"
    return _day(local.date(), skeleton, reader.locale)


@pass_context
def clock(context: Context, value: datetime | str) -> str:
    """The time of day in the reader's zone."""
    reader = _reader(context)
    local = _time(value).astimezone(reader.zone)
    return _clock(local.time().replace(second=0, microsecond=0), reader.locale)


@pass_context
def exact(context: Context, value: datetime | str) -> str:
    """Everything about a moment, with its zone, for whoever asks."""
    reader = _reader(context)
    return _exact(_time(value), reader.zone, reader.locale)


# A page says the same days and moments as the one before it, and formatting them took a tenth of its making.
@lru_cache(maxsize=2_000)
def _day(local: date, skeleton: str, locale: Locale) -> str:
    return format_skeleton(skeleton, datetime.combine(local, time()), locale=locale)


@lru_cache(maxsize=5_000)
def _clock(local: time, locale: Locale) -> str:
    return format_time(local, "short", locale=locale)


@lru_cache(maxsize=20_000)
def _exact(moment: datetime, zone: tzinfo, locale: Locale) -> str:
    return format_datetime(moment, "full", tzinfo=zone, locale=locale)


def apart(one: datetime | str, other: datetime | str) -> bool:
    """Whether two moments are not the same to people: when something happened, and when it was recorded."""
    return abs(_time(one) - _time(other)) > _SAME


def iso(value: datetime | str) -> str:
    """As machines read it (the ``datetime`` attribute)."""
    return _time(value).astimezone(UTC).isoformat(timespec="milliseconds")


@pass_context
def duration(context: Context, minutes: int) -> str:
    """Minutes as hours and minutes: 1 h 30 min.

    The symbols are those of ISO 80000-3, alike in our languages; Babel's short forms have gaps ("1 horas").
    """
    hours, rest = divmod(minutes, 60)
    parts = [f"{number(context, hours)} h"] if hours else []
    if rest or not hours:
        parts.append(f"{rest} min")
    return " ".join(parts)


@pass_context
def number(context: Context, value: int) -> str:
    """A number with the reader's separators."""
    return format_decimal(value, locale=_reader(context).locale)
