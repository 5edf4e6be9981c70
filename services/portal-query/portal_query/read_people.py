"""What a reader is to the pages: their name, language and zone, and whether they have a desk.

Of anyone, requesters included, as the role ``portal_requester`` may know it.
"""

from relato_runtime.database import Pool

from portal_query.read import Row


async def person(pool: Pool, person_id: str) -> Row | None:
    """Name, language and zone."""
    return await pool.fetchrow(
        "SELECT name, language, time_zone FROM history.requester_people WHERE person_id = $1", person_id
    )
