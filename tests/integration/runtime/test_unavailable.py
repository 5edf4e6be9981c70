"""What of a database's answers passes by itself, and is told as 503."""

from collections.abc import Awaitable, Callable

import asyncpg
import pytest
from relato_runtime.database import UNAVAILABLE

from tests.support.databases import with_database


async def test_a_database_that_is_dropped_to_be_put_back_is_away(
    database: Callable[..., Awaitable[str]],
) -> None:
    url = await database("notifier")
    with pytest.raises(UNAVAILABLE):
        await asyncpg.connect(with_database(url, "dropped_for_a_moment"))
