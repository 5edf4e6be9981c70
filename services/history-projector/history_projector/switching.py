"""All SQL about a switch: another generation becomes live, and readers never see less than before."""

import asyncio
import json

import structlog
from relato_runtime import operations
from relato_runtime.database import Connection, Pool
from relato_runtime.refusals import Refused

from history_projector import generations, making
from history_projector.asked import Asked

log = structlog.get_logger(__name__)

_ATTEMPTS = 10
_STANDSTILL_SECONDS = 1.0  # less than requests wait for what they have just written
_FAR_BEHIND = 5_000  # records: not made up for during a standstill
_LOOK_SECONDS = 0.01


class NotLevel(Exception):
    """The other generation lacks records that the live one has."""


async def switch(pool: Pool, asked: Asked, number: int) -> None:
    """Make a generation live in one transaction; raises ``Refused`` where it is behind the live one."""
    for attempt in range(_ATTEMPTS):
        try:
            async with pool.acquire() as connection, connection.transaction():
                await _switch(connection, number)
                await operations.record(connection, asked.operation, str(number))
        except NotLevel as error:
            log.info("not level yet", generation=number, attempt=attempt, behind=str(error))
            await asyncio.sleep(_STANDSTILL_SECONDS / 4)  # both go on meanwhile
        else:
            log.info("generation live", generation=number)
            return
    raise Refused(f"Generation {number} is behind the live one and does not catch up: wait until it has.")


async def level(connection: Connection, number: int) -> None:
    """Refuse what is not worth a standstill: a generation that is far behind the live one."""
    missing = await _missing(connection, await generations.live(connection), number)
    if missing > _FAR_BEHIND:
        raise Refused(
            f"Generation {number} is {missing} records behind the live one: wait until it is level."
        )


async def _switch(connection: Connection, number: int) -> None:
    """With the live generation at rest, wait until the other has what it has; then swap their views.

    Both are at rest when readers begin to see the other one, so that nobody is told of news too early;
    and everybody who follows a ticket is told to look, since the two may have been told of different news.
    """
    live = await generations.live(connection)
    await _rest(connection, live)
    until = asyncio.get_running_loop().time() + _STANDSTILL_SECONDS
    while missing := await _missing(connection, live, number):
        if asyncio.get_running_loop().time() > until:
            raise NotLevel(str(missing))
        await asyncio.sleep(_LOOK_SECONDS)
    await _rest(connection, number)
    await making.show(connection, number, instead_of=live)
    await generations.become(connection, number, "live")
    await connection.execute(
        "SELECT pg_notify('history', $1)", json.dumps({"tickets": [], "everything": True})
    )


async def _rest(connection: Connection, number: int) -> None:
    """Let a generation take in nothing more until the transaction ends; batches under way end first."""
    await connection.execute(
        "SELECT FROM positions WHERE consumer = $1 ORDER BY topic, partition FOR UPDATE",
        generations.consumer(number),
    )


async def _missing(connection: Connection, live: int, number: int) -> int:
    """How many records the live generation has taken in that the other one has not."""
    missing: int = await connection.fetchval(
        """
        SELECT coalesce(sum(greatest(0, here.next_offset - coalesce(there.next_offset, 0))), 0)::bigint
        FROM positions AS here LEFT JOIN positions AS there
            ON there.consumer = $2 AND there.topic = here.topic AND there.partition = here.partition
        WHERE here.consumer = $1
        """,
        generations.consumer(live),
        generations.consumer(number),
    )
    return missing
