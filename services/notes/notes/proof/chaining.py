"""Streams as commands and adoption take them: locked, and chained to their ends.

What a release without chains has recorded, before this one or beside it, is chained when its ticket is next
written to, and otherwise in the background.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from relato_runtime.database import Connection, Pool

from notes import store
from notes.proof import chain, chained
from notes.proof.chain import Hashes
from notes.store import Stream

_TICKETS_AT_ONCE = 100
_LOOK_AGAIN_SECONDS = 600.0


async def locked(connection: Connection, ticket_ids: Sequence[str]) -> dict[str, Stream]:
    """These tickets' streams, locked until the transaction ends; unknown tickets have none."""
    streams = await store.lock_streams(connection, ticket_ids)
    for ticket_id, stream in streams.items():
        if stream.chained < stream.state.version:
            streams[ticket_id] = await _chain(connection, ticket_id, stream)
    return streams


async def run(pool: Pool) -> None:
    """Chain all that is not chained, and look again now and then: an older release may still be at work."""
    while True:
        after = ""
        async with pool.acquire() as connection:
            while tickets := await chained.lacking(connection, after, _TICKETS_AT_ONCE):
                for ticket_id in tickets:  # each for itself, so that nobody waits for long
                    async with connection.transaction():
                        await locked(connection, [ticket_id])
                after = tickets[-1]
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)


async def _chain(connection: Connection, ticket_id: str, stream: Stream) -> Stream:
    events = await chained.unchained(connection, ticket_id, stream.chained, stream.state.version)
    before = {} if stream.head is None else {(ticket_id, stream.chained): stream.head}
    linked = chain.follow(before, events)
    await chained.keep(connection, ticket_id, stream.state.version, events, linked)
    return replace(stream, head=linked[-1] if linked else stream.head, chained=stream.state.version)


def heads(streams: Mapping[str, Stream]) -> Hashes:
    """Pure: what the next event of each stream follows."""
    return {
        (ticket_id, stream.state.version): stream.head
        for ticket_id, stream in streams.items()
        if stream.head is not None
    }
