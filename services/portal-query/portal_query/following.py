"""What followers of tickets are told, each in the moment they ask: what happened since they last looked."""

import asyncio
from collections.abc import Collection
from contextlib import suppress

_NAMED = 200
"""So many tickets are named to those who follow all; beyond, they look at everything."""


class Follower:
    """Waits for news; those for a browser end with its session."""

    def __init__(self, session: str | None) -> None:
        self.session = session
        self.ended = False
        self._news = asyncio.Event()

    async def wait(self, seconds: float) -> bool:
        """Return once there are news, or false after so many seconds without any, or when it has ended."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), max(seconds, 0))
        return self._news.is_set() and not self.ended

    def end(self) -> None:
        """Nothing more is for the follower."""
        self.ended = True
        self._news.set()


class Changes(Follower):
    """What happened to a ticket, and that somebody reads its chat elsewhere."""

    def __init__(self, session: str | None, person_id: str | None) -> None:
        super().__init__(session)
        self.person_id = person_id
        self.history = self.presence = self.settings = self.read = False

    def seen(self) -> None:
        """From here on, only what comes now is news."""
        self._news.clear()
        self.history = self.presence = self.settings = self.read = False

    def wake(
        self, *, history: bool = False, presence: bool = False, settings: bool = False, read: bool = False
    ) -> None:
        """Tell the follower."""
        self.history |= history
        self.presence |= presence
        self.settings |= settings
        self.read |= read
        self._news.set()


class TicketsChanged(Follower):
    """Which tickets something happened to."""

    def __init__(self, person_id: str, session: str | None) -> None:
        super().__init__(session)
        self.person_id = person_id
        self._tickets: set[str] | None = set()

    def take(self) -> set[str] | None:
        """The tickets; None where they are not known, or too many to be named."""
        tickets, self._tickets = self._tickets, set()
        self._news.clear()
        return tickets

    def wake(self, tickets: Collection[str] | None) -> None:
        """Tell the follower."""
        if tickets is None or self._tickets is None or len(self._tickets) + len(tickets) > _NAMED:
            self._tickets = None
        else:
            self._tickets.update(tickets)
        self._news.set()
