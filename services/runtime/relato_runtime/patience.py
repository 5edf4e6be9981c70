"""Clients that do not read, do not finish what they send, or have gone: none costs anything for long."""

import asyncio

import structlog
from anyio import BrokenResourceError
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

log = structlog.get_logger(__name__)

UNREAD_SECONDS = 60.0
"""How long a client may take nothing of what it is sent; no more is made for it meanwhile."""
UNFINISHED_SECONDS = 60.0
"""How long a request may take to arrive, from its first byte to its body's last."""


class Patient(HttpToolsProtocol):
    """HTTP as uvicorn speaks it, with an end to waiting for a client that reads nothing or never finishes."""

    _giving_up: asyncio.TimerHandle | None = None
    _arriving: asyncio.TimerHandle | None = None

    def on_message_begin(self) -> None:
        """Called when a request begins to arrive."""
        super().on_message_begin()
        self._arriving = self.loop.call_later(UNFINISHED_SECONDS, self.transport.abort)

    def on_message_complete(self) -> None:
        """Called when a request has arrived as a whole."""
        super().on_message_complete()
        self._arrived()

    def pause_writing(self) -> None:
        """Called when more is on its way than the connection takes."""
        super().pause_writing()
        self._giving_up = self.loop.call_later(UNREAD_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Called when most of that has been taken."""
        super().resume_writing()
        self._read_on()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called at the end."""
        super().connection_lost(exc)
        self._read_on()
        self._arrived()

    def _read_on(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None

    def _arrived(self) -> None:
        if self._arriving is not None:
            self._arriving.cancel()
            self._arriving = None


class Gone:
    """Nothing failed when a client hangs up while more is on its way to it.

    FastAPI then closes the pipe of a stream before it ends who writes into it
    (fastapi/fastapi#15725). Raised on, the error would be logged, and what was logged holds on to the
    stream's generator and all that it follows.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except* BrokenResourceError:
            log.info("client gone", path=scope.get("path"))
