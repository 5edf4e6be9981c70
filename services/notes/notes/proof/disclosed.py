"""One ticket for somebody who trusts nobody: its events, chain, proof and signed head, in one file."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from pydantic import JsonValue
from relato_contracts import merkle, showing
from relato_contracts.envelope import FACTS
from relato_contracts.notes import NoteEvent
from relato_runtime.database import Connection, Pool

from notes import commands, signing, situations
from notes.proof import chaining, disclosing, due, growing, proofs, tree
from notes.proof.levelled import Levelled, NotLevel
from notes.proof.proofs import Chained
from notes.settings import NotesSettings

_PATIENCE_SECONDS = 2.0
_TRIES = 40


async def whole(
    settings: NotesSettings, pool: Pool, levelled: Levelled, ticket_id: str
) -> dict[str, JsonValue] | None:
    """All of a ticket, for an operator; None where there is none. Raises ``NotLevel``."""
    events, head = await _read(settings, pool, levelled, ticket_id)
    return disclosing.document(ticket_id, events, None, head) if events else None


async def for_requester(
    settings: NotesSettings, pool: Pool, levelled: Levelled, ticket_id: str, person_id: str
) -> dict[str, JsonValue] | None:
    """What its requester may see of a ticket, for them; None for everybody else. Raises ``NotLevel``."""
    async with pool.acquire() as connection:
        asked = commands.MarkViewed(ticket_id, person_id, datetime.now(UTC), 1)
        (situation,) = await situations.read(connection, [asked])
        if not situation.is_requester:
            return None
        switches = showing.switches(situation.parameters)
    events, head = await _read(settings, pool, levelled, ticket_id)
    shown = showing.shown([(each.version, _fact(each)) for each in events], switches)
    return disclosing.document(ticket_id, events, shown, head)


async def _read(
    settings: NotesSettings, pool: Pool, levelled: Levelled, ticket_id: str
) -> tuple[list[Chained], dict[str, JsonValue] | None]:
    """The events up to the last one that is proven, sealing it first, and what proves them."""
    await _ready(settings, pool, levelled, ticket_id)
    async with pool.acquire() as connection, connection.transaction():
        await chaining.locked(connection, [ticket_id])
        await _seal(settings, connection, levelled, ticket_id)
        events = await proofs.of_ticket(connection, ticket_id)
        return events, await _head(settings, connection, ticket_id)


async def _ready(settings: NotesSettings, pool: Pool, levelled: Levelled, ticket_id: str) -> None:
    """Give the tree the moment in which it is brought level, and what was just recorded that to Kafka.

    Before, it is not signed.
    """
    for _ in range(_TRIES):
        if levelled or not settings.log_key_file:
            async with pool.acquire() as connection:
                if not await due.waits(connection, ticket_id):
                    return
        await asyncio.sleep(_PATIENCE_SECONDS / _TRIES)
    if settings.log_key_file and not levelled:
        raise NotLevel


async def _seal(settings: NotesSettings, connection: Connection, levelled: Levelled, ticket_id: str) -> None:
    if not settings.log_key_file:
        return
    await due.lead(connection, wait=True)
    # Whoever led until now may have found that it is not.
    if not levelled:
        raise NotLevel
    if new := await due.unsealed(connection, ticket_id):
        signer = signing.load(Path(settings.log_key_file), settings.log_name)
        await growing.grow(connection, signer, new)


async def _head(
    settings: NotesSettings, connection: Connection, ticket_id: str
) -> dict[str, JsonValue] | None:
    """The newest signed head, and the proof that it has the ticket's newest leaf; None without one."""
    head, leaf = await tree.latest(connection), await tree.newest(connection, ticket_id)
    if head is None or leaf is None:
        return None
    place, version = leaf
    path = merkle.inclusion(place, head.size)
    known = await tree.nodes(connection, [node for part in path for node in merkle.nodes(part)])
    proof = merkle.proof(path, known.__getitem__)
    return {
        "version": version,
        "place": place,
        "proof": [each.hex() for each in proof],
        "checkpoint": head.checkpoint,
        "keys": [key.line() for key in signing.known(settings)],
    }


def _fact(event: Chained) -> NoteEvent:
    fact = FACTS[event.type].model_validate_json(event.data)
    assert isinstance(fact, NoteEvent)
    return fact
