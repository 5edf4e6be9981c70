"""The notifier's sustained rate, beside bare aiosmtplib on as many kept connections.

The notifier makes what it sends, so what stands beside it makes the same mails, with the email package. How
fast mails go over the wire that are there already is told as well.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP

import aiosmtplib
import asyncpg
from relato.stack.mail import listening
from relato.stack.ports import free
from relato_contracts import topics
from relato_contracts.envelope import Envelope, encode
from relato_runtime import kafka
from uuid6 import uuid7

from tests.bench import facts
from tests.bench.scene import Figures, Scene, connected
from tests.support import stream, world
from tests.support.projection import new_id
from tests.support.waiting import until

_MAILS = 4_000
_TICKETS = 500
_SENDERS = 4
_PREFIX = "mailbench."
_OF_PARTS = {"MIME-Version", "Content-Type"}
_LIMITLESS = {"RECIPIENT_PER_MINUTE": "1000000", "DOMAIN_PER_MINUTE": "10000000"}


async def measure(scene: Scene) -> Figures:
    """Mails a second, from the first record taken in to the last mail accepted."""
    settings = scene.kafka.model_copy(update={"topic_prefix": _PREFIX})
    await kafka.create_topics(settings, topics.TOPICS, partitions=6)
    url = await scene.new_database("mailbench")
    people = [world.person(f"m{number}") for number in range(_TICKETS)]
    tickets = [world.ticket(f"M{number}", requester_id=f"m{number}") for number in range(_TICKETS)]
    await facts.publish(
        settings, [world.record(settings, fact) for fact in (*world.world(), *people, *tickets)]
    )
    async with scene.alone(), _sink() as port:
        limits = {**_LIMITLESS, "SENDERS": str(_SENDERS), "SMTP_URL": f"smtp://127.0.0.1:{port}"}
        async with scene.process("notifier", _PREFIX, url, **limits), connected(url) as ledger:
            await until(lambda: _knows_all(ledger), within=60, what="the notifier to know everyone")
            await facts.publish(settings, (_mailed(number) for number in range(_MAILS)))
            began = time.perf_counter()
            await until(lambda: _all_accepted(ledger), within=300, what="all mails to be accepted")
            rate = _MAILS / (time.perf_counter() - began)
            mails = await ledger.fetch("SELECT sender, recipient, source FROM mails")
        limit, ready_made = [
            await _bare(port, [(each["sender"], each["recipient"], how(each["source"])) for each in mails])
            for how in (_made, _ready_made)
        ]
    return {
        "mails": _MAILS,
        "rate": round(rate),
        "limit": round(limit),
        "ratio": round(rate / limit, 2),
        "wanted": 0.5,
        "ready_made": round(ready_made),
        "ratio_to_ready_made": round(rate / ready_made, 2),
    }


def _mailed(number: int) -> kafka.OutgoingRecord:
    ticket = number % _TICKETS
    fact = stream.to_requester(
        number,
        ticket_id=f"M{ticket}",
        requester_id=f"m{ticket}",
        message_id=new_id(),
        notify_by_email=True,
    )
    envelope = Envelope(
        id=str(uuid7()),
        source="/relato/notes",
        time=datetime.now(UTC),
        stream_version=number // _TICKETS + 1,
        actor="carlos",
    )
    return kafka.OutgoingRecord(_PREFIX + topics.NOTES.name, *encode(fact, envelope))


async def _knows_all(ledger: "asyncpg.Connection[asyncpg.Record]") -> bool:
    if await ledger.fetchval("SELECT to_regclass('people')") is None:
        return False
    known = await ledger.fetchval(
        "SELECT (SELECT count(*) FROM tickets) >= $1 AND (SELECT count(*) FROM people) > $1 "
        "AND (SELECT count(*) FROM email_templates) > 0 AND (SELECT count(*) FROM parameters) > 0",
        _TICKETS,
    )
    return bool(known)


async def _all_accepted(ledger: "asyncpg.Connection[asyncpg.Record]") -> bool:
    # Counting goes through all mails, and is not to take the notifier's time: only when none is on its way.
    accepted = await ledger.fetchval(
        """
        SELECT CASE WHEN EXISTS (SELECT FROM mails WHERE state IN ('planned', 'retry'))
            OR EXISTS (SELECT FROM mails WHERE state IN ('leased', 'submitting')) THEN 0
            ELSE (SELECT count(*) FROM mails WHERE state = 'accepted') END
        """
    )
    return bool(accepted >= _MAILS)


Send = Callable[[aiosmtplib.SMTP, str, str], Awaitable[object]]


async def _bare(port: int, mails: Sequence[tuple[str, str, Send]]) -> float:
    """The same mails on as many connections, with nothing recorded and nothing to be told later."""
    waiting = iter(mails)

    async def work() -> None:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port) as client:
            for sender, recipient, send in waiting:
                await send(client, sender, recipient)

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(_SENDERS)))
    return len(mails) / (time.perf_counter() - began)


def _ready_made(source: bytes) -> Send:
    """What is left of sending a mail when it need not be made: the wire."""
    return lambda client, sender, recipient: client.sendmail(sender, recipient, source)


def _made(source: bytes) -> Send:
    """As a program without a ledger does it: made by the email package, and sent."""
    given = message_from_bytes(source, policy=SMTP)
    headers = [(name, str(value)) for name, value in given.items() if name not in _OF_PARTS]
    text, html = (part.get_content() for part in given.iter_parts())

    async def send(client: aiosmtplib.SMTP, sender: str, recipient: str) -> None:
        message = EmailMessage(policy=SMTP)
        for name, value in headers:
            message[name] = value
        message.set_content(text)
        message.add_alternative(html, subtype="html")
        await client.send_message(message, sender=sender, recipients=recipient)

    return send


@asynccontextmanager
async def _sink() -> AsyncIterator[int]:
    """A mail server in a process of its own that takes everything and keeps nothing."""
    port = free()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{port}", "-c", "aiosmtpd.handlers.Sink")
    )
    try:
        await until(lambda: _up(port), what="the mail server")
        yield port
    finally:
        process.terminate()
        await process.wait()


async def _up(port: int) -> bool:
    return await listening(port) is None
