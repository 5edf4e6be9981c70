"""How far executors have read the chat of tickets: kept by the portal, told to the person's own pages."""

from pydantic_core import to_json
from relato_runtime.database import Pool

from portal_query.live import READ_CHANNEL


class ChatRead:
    """Takes in what pages say about what was before somebody's eyes."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def say(self, person_id: str, ticket_id: str, up_to_version: int) -> None:
        """Somebody has read the chat up to a version; what was read stays read."""
        told = to_json({"person": person_id, "ticket": ticket_id}).decode()
        await self._pool.execute(_READ, person_id, ticket_id, up_to_version, READ_CHANNEL, told)

    async def up_to(self, person_id: str, ticket_id: str) -> int:
        """The version up to which somebody has read a chat; none is 0."""
        return int(await self._pool.fetchval(_UP_TO, person_id, ticket_id) or 0)


_READ = """
WITH known AS (
    INSERT INTO portal.chat_read AS known (person_id, ticket_id, up_to_version) VALUES ($1, $2, $3)
    ON CONFLICT (person_id, ticket_id) DO UPDATE SET up_to_version = excluded.up_to_version
    WHERE known.up_to_version < excluded.up_to_version
    RETURNING ticket_id
)
SELECT pg_notify($4, $5) FROM known
"""
_UP_TO = "SELECT up_to_version FROM portal.chat_read WHERE person_id = $1 AND ticket_id = $2"
