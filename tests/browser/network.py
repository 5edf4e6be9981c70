"""A network between a browser and the product that can go away and come back, with all that is open on it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from relato.stack.ports import free


class Network:
    """Hands bytes on, both ways; browsers use it as their proxy (RFC 9112 §3.2.2: whole addresses)."""

    def __init__(self, port: int, to: int) -> None:
        self.port = port
        self._to = to
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def proxy(self) -> dict[str, str]:
        """As Playwright wants it; Chromium would go past it to its own machine."""
        return {"server": f"http://127.0.0.1:{self.port}", "bypass": "<-loopback>"}

    async def come(self) -> None:
        """From now on connections are made."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)

    async def go(self) -> None:
        """Connections break, and none are made."""
        if self._server is not None:
            self._server.close()
        for writer in self._open:
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._to)
            self._open |= {writer, far_writer}
            try:
                await asyncio.gather(_hand_on(reader, far_writer), _hand_on(far_reader, writer))
            finally:
                self._open -= {writer, far_writer}


async def _hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while some := await reader.read(65536):
            writer.write(some)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def network(to: int) -> AsyncIterator[Network]:
    """A network to a port of this machine; it is there."""
    made = Network(free(), to)
    await made.come()
    try:
        yield made
    finally:
        await made.go()
