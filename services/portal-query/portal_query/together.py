"""What many streams of one ticket want to know at the same time is read once."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from relato_runtime.database import Pool

from portal_query import read
from portal_query.read import Row, Rows

Found = TypeVar("Found")


class Together:
    """Reads for executors, who all are shown the same of a ticket that they may see.

    A read is shared by those who ask before it begins, so that nobody gets what was so before they
    were woken.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._next: dict[Hashable, asyncio.Task[Any]] = {}
        self._asking: defaultdict[str, set[str]] = defaultdict(set)

    async def since(
        self, person_id: str, ticket_id: str, version: int, recorded_after: datetime
    ) -> Rows | None:
        """As ``read.since``."""
        if not await self._may_see(person_id, ticket_id):
            return None
        return await self.once(
            ("since", ticket_id, version, recorded_after),
            lambda: read.since(self._pool, person_id, ticket_id, version, recorded_after),
        )

    async def outside(self, ticket_id: str, limit: int) -> list[Row]:
        """As ``read.outside``."""
        return await self.once(
            ("outside", ticket_id, limit), lambda: read.outside(self._pool, ticket_id, limit)
        )

    async def entries(self, person_id: str, ticket_id: str, event_ids: Sequence[UUID]) -> Rows | None:
        """As ``read.entries``, for somebody who has just been found to be allowed to see the ticket."""
        return await self.once(
            ("entries", ticket_id, *event_ids),
            lambda: read.entries(self._pool, person_id, ticket_id, event_ids),
        )

    async def _may_see(self, person_id: str, ticket_id: str) -> bool:
        self._asking[ticket_id].add(person_id)
        allowed = await self.once(
            ("who", ticket_id),
            lambda: read.who_may_see(self._pool, self._asking.pop(ticket_id), ticket_id),
        )
        return person_id in allowed

    async def once(self, key: Hashable, reading: Callable[[], Awaitable[Found]]) -> Found:
        """What ``reading`` gives, the same for all who ask with this key before it begins."""
        task: asyncio.Task[Found] | None = self._next.get(key)
        if task is None:
            task = self._next[key] = asyncio.create_task(self._begin(key, reading))
        return await asyncio.shield(task)

    async def _begin(self, key: Hashable, reading: Callable[[], Awaitable[Found]]) -> Found:
        del self._next[key]
        return await reading()
