"""The notifier's sustained rate, beside bare aiosmtplib on as many kept connections.

What stands beside it sends the same mails, which are there already. The notifier makes what it sends, so its
rate beside a program that makes the same mails with the email package is told as well.
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
from relato.stack.mail import listening
from relato.stack.ports import free
from relato_contracts import topics
from relato_contracts.envelope import Envelope, encode
from relato_runtime import kafka
from relato_runtime.database import Connection
from uuid6 import uuid7

from tests.bench import facts, past, results
from tests.bench.scene import Scene, connected
from tests.support import stream, world
from tests.support.projection import new_id
from tests.support.waiting import until

_MAILS = 4_000
_TICKETS = 500
_TICKET_IDS = [f"M{number}" for number in range(_TICKETS)]
_SENDERS = 4
_OF_PARTS = {"MIME-Version", "Content-Type"}
_LIMITLESS = {"RECIPIENT_PER_MINUTE": "1000000", "DOMAIN_PER_MINUTE": "10000000"}


async def measure(scene: Scene, events: int = past.FEW) -> results.Mail:
    """Mails a second, from the first planned to the last accepted, with so many events behind them."""
    prefix = f"mailbench{events}."
    settings = scene.kafka.model_copy(update={"topic_prefix": prefix})
    await kafka.create_topics(settings, topics.TOPICS, partitions=6)
    url = await scene.new_database("mailbench")
    people = [world.person(f"m{number}") for number in range(_TICKETS)]
    tickets = [world.ticket(each, requester_id=each.lower()) for each in _TICKET_IDS]
    await facts.publish(
        settings, [world.record(settings, fact) for fact in (*world.world(), *people, *tickets)]
    )
    async with scene.alone(), _sink() as port:
        limits = {**_LIMITLESS, "SENDERS": str(_SENDERS), "SMTP_URL": f"smtp://127.0.0.1:{port}"}
        async with scene.process("notifier", prefix, url, **limits), connected(url) as ledger:
            await until(lambda: _knows_all(ledger), within=60, what="the notifier to know everyone")
            await ledger.execute(_PAST, events, timeout=1_800)
            await ledger.execute("VACUUM ANALYZE", timeout=1_800)
            await facts.publish(settings, (_mailed(prefix, number) for number in range(_MAILS)))
            await until(lambda: _all_accepted(ledger), within=600, what="all mails to be accepted")
            mails = await ledger.fetch(
                "SELECT sender, recipient, source, planned_at, updated_at FROM mails "
                "WHERE ticket_id = ANY($1::text[])",
                _TICKET_IDS,
            )
        ready_made, made = [
            await _bare(port, [(each["sender"], each["recipient"], how(each["source"])) for each in mails])
            for how in (_ready_made, _made)
        ]
    # By the ledger's own times: it begins its work while the last records are being published.
    took = max(each["updated_at"] for each in mails) - min(each["planned_at"] for each in mails)
    rate = len(mails) / took.total_seconds()
    return results.Mail(
        mails=len(mails),
        past=events,
        rate=round(rate),
        limit=round(ready_made),
        ratio=round(rate / ready_made, 3),
        beside_made=results.Made(rate=round(made), ratio=round(rate / made, 3)),
    )


def _mailed(prefix: str, number: int) -> kafka.OutgoingRecord:
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
    return kafka.OutgoingRecord(prefix + topics.NOTES.name, *encode(fact, envelope))


async def _knows_all(ledger: Connection) -> bool:
    if await ledger.fetchval("SELECT to_regclass('people')") is None:
        return False
    known = await ledger.fetchval(
        "SELECT (SELECT count(*) FROM tickets) >= $1 AND (SELECT count(*) FROM people) > $1 "
        "AND (SELECT count(*) FROM email_templates) > 0 AND (SELECT count(*) FROM parameters) > 0",
        _TICKETS,
    )
    return bool(known)


async def _all_accepted(ledger: Connection) -> bool:
    # Counting goes through all mails, and is not to take the notifier's time: only when none is on its way.
    accepted = await ledger.fetchval(
        """
        SELECT CASE WHEN EXISTS (SELECT FROM mails WHERE state IN ('planned', 'retry'))
            OR EXISTS (SELECT FROM mails WHERE state IN ('leased', 'submitting')) THEN 0
            ELSE (SELECT count(*) FROM mails WHERE state = 'accepted' AND ticket_id = ANY($1::text[])) END
        """,
        _TICKET_IDS,
    )
    return bool(accepted >= _MAILS)


_PAST = """
WITH occurrence AS (
    INSERT INTO occurrences
        (occurrence_id, version, author_name, occurred_at, html, text, solution_html, visible, retracted,
         ticket_id)
    SELECT occurrence_id, version, 'Bench 1', now(), '<p>' || text || '</p>', text, '', version % 3 = 0,
        false, ticket_id
    FROM (
        SELECT uuidv7() AS occurrence_id, n % 20 + 1 AS version, 'P' || n / 20 AS ticket_id,
            repeat('Troquei o cabo de rede da sala. ', 8) AS text
        FROM generate_series(0, $1::int - 1) AS n
    ) AS given
    RETURNING occurrence_id, version, ticket_id, html
), mail AS (
    INSERT INTO mails
        (mail_id, event_id, event_version, event_at, ticket_id, subject_id, parameter, recipient,
         recipient_role, template_id, state, sender, message_id, source, attempts)
    SELECT gen_random_uuid(), gen_random_uuid(), version, now(), ticket_id, occurrence_id, 251,
        ticket_id || '@empresa.example', 'requester', 't-251', 'accepted', 'suporte@relato.example',
        occurrence_id::text, convert_to(repeat(html, 8), 'UTF8'), 1
    FROM occurrence WHERE version % 10 = 0
    RETURNING mail_id
)
INSERT INTO attempts (mail_id, attempt, outcome, code) SELECT mail_id, 1, 'accepted', 250 FROM mail
"""
"""A ledger after so many occurrences, every tenth of them mailed."""

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
