"""Pure: how many mails a recipient and a domain get in a while.

The generic cell rate algorithm (ITU-T I.371, Annex A) as a timetable: a mail that comes too early
keeps the place it was given, so that it is looked at twice and not again and again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Rate:
    """So many a minute, and so many at once when there were none for a while."""

    per_minute: int
    burst: int

    @property
    def interval(self) -> timedelta:
        """The time between two mails when there is no burst."""
        return timedelta(minutes=1) / self.per_minute


def place(next_at: datetime | None, now: datetime, rate: Rate) -> tuple[datetime, datetime]:
    """When the next mail may go, and ``next_at`` after it."""
    steady = max(next_at or now, now)
    return max(now, steady - rate.interval * (rate.burst - 1)), steady + rate.interval


@dataclass(frozen=True, slots=True)
class Turn:
    """Whether a mail's turn has come: else when, with how many of its rates it has a place in."""

    due_at: datetime
    slots: int
    now: bool


def admit(
    recipient: str,
    slots: int,
    next_at: dict[str, datetime],
    now: datetime,
    limits: Mapping[str, Rate],
) -> Turn:
    """Give a mail its place, first among its recipient's, then among its domain's; updates ``next_at``.

    ``slots`` says how many places it has already waited for.
    """
    names = rate_names(recipient)
    for taken, (kind, name) in enumerate(zip(("recipient", "domain"), names, strict=True), start=1):
        if slots >= taken:
            continue
        due, next_at[name] = place(next_at.get(name), now, limits[kind])
        if due > now:
            return Turn(due, taken, now=False)
    return Turn(now, 0, now=True)


def rate_names(recipient: str) -> tuple[str, str]:
    """The names under which the rates of a recipient and of its domain are kept."""
    address = recipient.casefold()
    return f"recipient:{address}", f"domain:{address.rpartition('@')[2]}"
