"""Pure: when to try again, or to give up."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long to try."""

    attempts: int
    first: timedelta
    longest: timedelta
    age: timedelta


def next_attempt(
    attempts: int, since: datetime, now: datetime, chance: float, patience: Patience
) -> datetime | None:
    """The time of the next attempt after so many since then, or None to give up.

    Exponential backoff with full jitter (Brooker, "Exponential Backoff And Jitter", 2015):
    ``chance`` is drawn evenly from 0 to 1.
    """
    if attempts >= patience.attempts:
        return None
    doubled = patience.first * 2 ** min(attempts - 1, 40)
    due = now + min(doubled, patience.longest) * chance
    return due if due - since <= patience.age else None
