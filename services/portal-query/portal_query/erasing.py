"""What the portal keeps of people who have been erased, for hours at most: all SQL about that."""

import asyncio

import structlog
from relato_runtime.database import Pool
from relato_runtime.holdings import Holdings

from portal_query.live import SESSIONS_CHANNEL
from portal_query.sessions import END_ALL

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 5.0
_TABLES = ("portal.chat_read", "portal.open_pages", "portal.presence", "portal.sessions")


async def run(own: Pool, executors: Pool) -> None:
    """End the sessions of whoever has been erased, and forget where they were; a loop."""
    while True:
        rows = await executors.fetch("SELECT person_id FROM erased_people")
        await _forget(own, [row["person_id"] for row in rows])
        await asyncio.sleep(_LOOK_SECONDS)


async def _forget(own: Pool, person_ids: list[str]) -> None:
    rows = await own.fetch(_HELD, person_ids)
    for person_id in {row["person_id"] for row in rows}:
        async with own.acquire() as connection, connection.transaction():
            await connection.execute(END_ALL, person_id, SESSIONS_CHANNEL)
            for table in _TABLES:
                await connection.execute(f"DELETE FROM {table} WHERE person_id = $1", person_id)  # noqa: S608
    if rows:
        for table in _TABLES:  # all of them are small; what was deleted leaves the disk with the old file
            await own.execute(f"VACUUM (FULL) {table}")
        log.info("people erased", number=len(person_ids))


async def count(own: Pool, person_id: str) -> Holdings:
    """How many rows there are of a person, by table."""
    rows = await own.fetch(_HELD, [person_id])
    numbers = dict.fromkeys(_TABLES, 0) | {row["name"]: row["number"] for row in rows}
    return {("table", name): number for name, number in numbers.items()}


_HELD = " UNION ALL ".join(
    f"SELECT '{table}' AS name, person_id, count(*) AS number FROM {table}"  # noqa: S608  # from above
    " WHERE person_id = ANY($1::text[]) GROUP BY person_id"
    for table in _TABLES
)
