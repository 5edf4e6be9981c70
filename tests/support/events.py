"""Server-sent events as a browser reads them (HTML standard, server-sent events)."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import httpx


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event of a stream."""

    name: str
    data: dict[str, Any]  # JSON
    id: str


class EventStream:
    """An open stream; its events come one by one."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self._lines: AsyncIterator[str] = response.aiter_lines()
        self.lines: list[str] = []
        """Everything that came so far."""
        self.last_id = ""

    @classmethod
    async def open(cls, client: httpx.AsyncClient, path: str, headers: Mapping[str, str]) -> Self:
        """Open a stream that there has to be."""
        response = await client.send(client.build_request("GET", path, headers=dict(headers)), stream=True)
        assert response.status_code == 200, (await response.aread()).decode()
        assert response.headers["content-type"].startswith("text/event-stream")
        return cls(response)

    async def next(self, name: str, within: float = 20.0) -> ServerEvent:
        """The next event of a kind; others are passed over."""
        async with asyncio.timeout(within):
            while True:
                event = await self._event()
                assert event is not None, f"the stream ended before an event {name!r}"
                if event.name == name:
                    return event

    async def ended(self, within: float = 20.0) -> bool:
        """Whether the stream ends by itself."""
        async with asyncio.timeout(within):
            while await self._event() is not None:
                pass
        return True

    async def close(self) -> None:
        """Hang up."""
        await self._response.aclose()

    async def _event(self) -> ServerEvent | None:
        fields: dict[str, str] = {}
        async for line in self._lines:
            self.lines.append(line)
            if not line and "data" in fields:
                self.last_id = fields.get("id", self.last_id)
                return ServerEvent(fields.get("event", "message"), json.loads(fields["data"]), self.last_id)
            name, colon, value = line.partition(":")
            if name and colon:
                fields[name] = value.removeprefix(" ")
        return None
