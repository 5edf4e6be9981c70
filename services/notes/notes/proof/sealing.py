"""Every minute, when something was recorded: the tree of all tickets' heads grows, is signed, and published.

Signed first and published after the commit, so that of one size there is never more than one head. A log that
was put back takes over what it had published since, before it signs anything. Nothing is signed that Kafka
has not, so that such a log comes to all that was.
"""

import asyncio
from pathlib import Path

import asyncpg
from relato_contracts.heads import LEAVES_LIMIT
from relato_contracts.topics import HEADS
from relato_runtime import kafka
from relato_runtime.database import Connection
from relato_runtime.failures import described
from relato_runtime.readiness import Readiness

from notes import signing
from notes.proof import chained, due, growing, heads, regaining, tree
from notes.proof.levelled import Levelled
from notes.settings import NotesSettings
from notes.signing import Signer

_OUT_OF_ORDER = 100_000
"""By how many places events may be committed in another order than theirs (see ``levelling``)."""
_AT_ONCE = 100


async def run(settings: NotesSettings, readiness: Readiness, levelled: Levelled) -> None:
    """Seal until something goes wrong; without a key the chains are whole, and nobody vouches for them."""
    if not settings.log_key_file:
        readiness.remark("heads", "nothing is signed: RELATO_LOG_KEY_FILE is not set")
        await asyncio.Event().wait()
    try:
        await _seal_for_ever(settings, readiness, levelled)
    except Exception as error:
        readiness.remark("heads", f"nothing is signed: {described(error)}")
        raise


async def _seal_for_ever(settings: NotesSettings, readiness: Readiness, levelled: Levelled) -> None:
    signer = signing.load(Path(settings.log_key_file), settings.log_name)
    connection = await asyncpg.connect(
        settings.database_url.get_secret_value(),
        timeout=5,
        command_timeout=60,
        server_settings={"idle_in_transaction_session_timeout": "60s"},
    )
    try:
        await regaining.level(settings, connection, signing.known(settings))
        everything = True
        with levelled.over(connection):
            while True:
                # What older releases have recorded is chained where it stands in the log, far from its end.
                unchained = await chained.lacking(connection, "", 1)
                await seal(connection, signer, everything=everything)
                await publish(settings, connection)
                readiness.forget("heads")
                everything = bool(unchained)
                await asyncio.sleep(settings.seal_seconds)
    finally:
        await connection.close(timeout=2)


async def seal(connection: Connection, signer: Signer, *, everything: bool = False) -> None:
    """Make leaves of all heads that are none, and sign; nothing while another process does so."""
    ticket_id = ""
    while True:
        async with connection.transaction():
            if (sealed := await due.lead(connection)) is None:
                return
            last = await due.last_place(connection)
            since = None if everything else min(sealed, last) - _OUT_OF_ORDER
            new = await due.changed(connection, since, ticket_id, LEAVES_LIMIT)
            if new:
                await growing.grow(connection, signer, new)
                ticket_id = new[-1].ticket_id
            if len(new) < LEAVES_LIMIT:
                await due.reached(connection, last)
                return


async def publish(settings: NotesSettings, connection: Connection) -> None:
    """Publish what was signed, in order; what Kafka has acknowledged and we do not know of comes twice."""
    topic = settings.topic_prefix + HEADS.name
    if not await tree.unpublished(connection, 1):
        return
    async with kafka.producing(settings) as producer:
        while True:
            async with connection.transaction():
                leading = await due.lead(connection) is not None
                waiting = await tree.unpublished(connection, _AT_ONCE) if leading else []
                if not waiting:
                    return
                records = [
                    heads.record_of(topic, settings.log_name, each, await tree.leaves(connection, each.size))
                    for each in waiting
                ]
                await kafka.send(producer, records)
                await tree.acknowledge(connection, [each.size for each in waiting])
