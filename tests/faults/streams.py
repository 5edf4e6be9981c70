"""Requesters who have their tickets open all the time, and what their pages are told."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import NamedTuple

import httpx

from tests.faults.site import Site

_PAGES_EVERY = 5
"""Of so many tickets one is open as a page as well, which is told HTML."""
_PAGE = "after=0&since=2026-11-20T00:00:00Z&settings=x"
"""What a page says of itself."""
_AGAIN_SECONDS = 0.5
"""After which a browser opens a stream anew."""
_SILENCE_SECONDS = 60.0


class Heard(NamedTuple):
    """A line of a stream, and when it came by the clock of the event loop."""

    at: float
    line: str


@dataclass
class Streams:
    """What came on all streams, by ticket."""

    site: Site
    heard: defaultdict[str, list[Heard]] = field(default_factory=lambda: defaultdict(list))
    invalid: set[str] = field(default_factory=set)
    """Those that were refused for how they were asked for, which no fault explains."""

    def first(self, ticket_id: str, text: str) -> float | None:
        """When a text came for the first time."""
        return next((each.at for each in self.heard[ticket_id] if text in each.line), None)

    async def follow(self, ticket_id: str, person: str, path: str) -> None:
        """Keep a stream open, as browsers do: each time from where the last one ended."""
        known: dict[str, str] = {}
        while True:
            with suppress(httpx.HTTPError):
                await self._listen(ticket_id, person, path, known)
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _listen(self, ticket_id: str, person: str, path: str, known: dict[str, str]) -> None:
        clock = asyncio.get_running_loop().time
        async with self.site.clients.stream(
            "GET",
            path,
            headers={"Authorization": self.site.bearer(person), **known},
            timeout=httpx.Timeout(8, read=_SILENCE_SECONDS),
        ) as answer:
            if answer.status_code == 422:
                self.invalid.add(path)
            if answer.status_code != 200:
                return
            async for line in answer.aiter_lines():
                self.heard[ticket_id].append(Heard(clock(), line))
                if line.startswith("id:"):
                    known["Last-Event-ID"] = line.removeprefix("id:").strip()


@asynccontextmanager
async def open_streams(site: Site, tickets: dict[str, str]) -> AsyncIterator[Streams]:
    """The streams of these tickets, each with its requester, until the block ends."""
    streams = Streams(site)
    tasks = []
    for number, (ticket_id, requester) in enumerate(sorted(tickets.items())):
        paths = [f"/api/portal/my/requests/{ticket_id}/stream"]
        if number % _PAGES_EVERY == 0:
            paths.append(f"/portal/requests/{ticket_id}/stream?{_PAGE}")
        tasks += [asyncio.create_task(streams.follow(ticket_id, requester, path)) for path in paths]
    try:
        yield streams
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
