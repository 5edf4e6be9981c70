"""A mail server that keeps what it takes, and misbehaves when told to."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Mailbox:
    """``answers`` holds, by recipient, what to do with the next mails.

    A reply such as ``451 later``; ``refuse 550 no`` (at RCPT); ``hang`` (no answer to the
    content); ``slow 250 taken`` (once ``patience`` is set); ``cut`` (the connection drops instead of
    an answer).
    """

    port: int = 0
    answers: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    taken: list[tuple[str, EmailMessage]] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    """The recipients of all contents that arrived, also of those that were not taken."""
    patience: asyncio.Event = field(default_factory=asyncio.Event)
    connections: int = 0
    _server: asyncio.Server | None = None
    _sessions: list[SMTP] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Its address."""
        return f"smtp://127.0.0.1:{self.port}"

    def to(self, recipient: str) -> list[EmailMessage]:
        """What was taken for a recipient."""
        return [message for address, message in self.taken if address == recipient]

    async def open(self) -> None:
        """Listen, on the same port as before if there was one."""
        self._server = await asyncio.get_running_loop().create_server(self._connected, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Refuse connections from now on."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for each in self._sessions:
            if isinstance(each.transport, asyncio.WriteTransport):
                each.transport.abort()
        self._sessions.clear()

    def _connected(self) -> SMTP:
        self.connections += 1
        session = SMTP(self, enable_SMTPUTF8=True, hostname="mail.test")
        self._sessions.append(session)
        return session

    async def handle_RCPT(  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        answers = self.answers[address]
        if answers and answers[0].startswith("refuse "):
            return answers.pop(0).removeprefix("refuse ")
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        recipient = envelope.rcpt_tos[0]
        self.seen.append(recipient)
        answer = self.answers[recipient].pop(0) if self.answers[recipient] else "250 taken"
        if answer == "hang":
            await asyncio.Event().wait()
        if answer.startswith("slow "):
            await self.patience.wait()
            answer = answer.removeprefix("slow ")
        if answer == "cut" and isinstance(server.transport, asyncio.WriteTransport):
            server.transport.abort()
        if answer.startswith("250"):
            content = envelope.content
            assert isinstance(content, bytes)
            message = message_from_bytes(content, policy=SMTP_POLICY)
            assert isinstance(message, EmailMessage)
            self.taken.append((recipient, message))
        return answer


@asynccontextmanager
async def running_mailbox() -> AsyncIterator[Mailbox]:
    """A mail server on a free port of this event loop."""
    mailbox = Mailbox()
    await mailbox.open()
    try:
        yield mailbox
    finally:
        await mailbox.close()
