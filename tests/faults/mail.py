"""The mail server as the other side of each fault: what it really took, and what it said about it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.mailbox import Mailbox

LATE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Content:
    """A mail's content that arrived; without an ``answer`` nobody was told what became of it."""

    recipient: str
    message: EmailMessage
    taken: bool
    answer: str | None

    @property
    def message_id(self) -> str:
        """Its Message-ID."""
        return str(self.message["Message-ID"]).strip()


@dataclass
class FaultyMailbox(Mailbox):
    """``mood`` is what it does with every content: a reply, ``hang``, ``cut``, ``slow`` or ``late``.

    The answer comes after everybody's patience when it is slow, and just within it when it is late.
    """

    mood: str = "250 taken"
    contents: list[Content] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        message = message_from_bytes(_bytes(envelope.content), policy=SMTP_POLICY)
        assert isinstance(message, EmailMessage)
        mood = self.mood
        answer = "250 taken" if mood in {"slow", "late"} else None if mood in {"hang", "cut"} else mood
        taken = answer is None or answer.startswith("250")
        self.contents.append(Content(envelope.rcpt_tos[0], message, taken, answer))
        if mood == "slow":
            await self.patience.wait()
        if mood == "late":
            await asyncio.sleep(LATE_SECONDS)
        if answer is not None:
            return answer
        if mood == "hang":
            await asyncio.Event().wait()
        if isinstance(server.transport, asyncio.WriteTransport):
            server.transport.abort()
        return "250 never said"


def _bytes(content: bytes | str | None) -> bytes:
    assert isinstance(content, bytes)
    return content


@asynccontextmanager
async def running_faulty_mailbox() -> AsyncIterator[FaultyMailbox]:
    """Such a server on a free port of this event loop."""
    mailbox = FaultyMailbox()
    await mailbox.open()
    try:
        yield mailbox
    finally:
        await mailbox.close()
