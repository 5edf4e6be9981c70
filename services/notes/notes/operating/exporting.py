"""The log as CloudEvents in JSON, one a line: in the order of tickets and versions."""

from collections.abc import AsyncIterator

import asyncpg
from relato_runtime import operations
from relato_runtime.cloudevent import as_line, event_of
from relato_runtime.database import Pool
from relato_runtime.operations import Operation
from relato_runtime.settings import ServiceSettings

from notes import requested
from notes.operating import replays
from notes.operating.replays import Choice
from notes.outbox import Pending
from notes.proof import chain
from notes.records import record_of

EXTENSIONS = {
    requested.HEADER: "relatorequest",
    chain.SALT: "relatosalt",
    chain.OPENINGS: "relatoopenings",
}
"""In which an exported event keeps what its record has beside the CloudEvent."""
EVENTS = "Relato-Events"
"""The header that says how many events follow."""
_AT_ONCE = 1_000


async def begin(pool: Pool, operation: Operation, choice: Choice) -> int:
    """Write down who takes what out of the log: how many events that is."""
    async with pool.acquire() as connection, connection.transaction():
        await operations.record(connection, operation, choice.ticket_id)
        return await replays.count(connection, choice)


async def lines(settings: ServiceSettings, choice: Choice) -> AsyncIterator[bytes]:
    """What is in the log now, some thousand events at a time; nothing is held for slow readers."""
    connection = await asyncpg.connect(
        settings.database_url.get_secret_value(), timeout=5, command_timeout=60
    )
    try:
        await replays.remember_requests(connection)
        end, after = await replays.end(connection), ("", 0)
        while events := await replays.following(connection, choice, after, _AT_ONCE, end, requests=True):
            after = events[-1].ticket_id, events[-1].version
            yield "".join(map(line_of, events)).encode()
    finally:
        await connection.close(timeout=2)


def line_of(event: Pending) -> str:
    """Pure: an event as its line, with its salt, and the idempotency key of its request, if it had one."""
    record = record_of("", event)
    known = dict(event_of(record.value or b"", record.headers))
    known |= {EXTENSIONS[name]: (raw or b"").decode() for name, raw in record.headers if name in EXTENSIONS}
    return as_line(known) + "\n"
