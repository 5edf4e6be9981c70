"""What a service says of its database's health, for as long as the database says it."""

import math
from collections.abc import Awaitable, Callable
from functools import partial

from prometheus_client import REGISTRY
from relato_runtime import background, measured
from relato_runtime.database import Pool, open_pool
from relato_runtime.readiness import Readiness

from tests.support.waiting import until

_CONSUMER = "a consumer for this test"
_READS = "INSERT INTO positions (consumer, topic, partition, next_offset) VALUES ($1, 'a.topic', 0, 1)"
_REFUSED = """
    INSERT INTO dead_letters (
        consumer, topic, partition, record_offset, headers, reason, error, record_timestamp
    ) VALUES ($1, 'a.topic', 0, 0, '[]', 'unknown-version', 'no reader', 0)
"""


def _waiting() -> float | None:
    return REGISTRY.get_sample_value("relato_dead_letters_waiting", {"consumer": _CONSUMER})


async def test_a_consumer_that_is_gone_has_no_dead_letters_that_wait(
    database: Callable[..., Awaitable[str]],
) -> None:
    """As that of a generation of the histories that was dropped."""
    readiness = Readiness()
    async with open_pool(await database("notifier"), size=2) as pool:
        await pool.execute(_READS, _CONSUMER)
        await pool.execute(_REFUSED, _CONSUMER)
        loop = partial(measured.measure, pool, readiness, "measure")
        async with background.running({"measure": loop}, readiness):
            await _says(lambda: _waiting() == 1, "the dead letter")
            await _gone(pool)
            await _says(lambda: math.isnan(_waiting() or 0), "nothing to be known")


async def _gone(pool: Pool) -> None:
    for table in ("dead_letters", "positions"):
        await pool.execute(f"DELETE FROM {table} WHERE consumer = $1", _CONSUMER)


async def _says(true: Callable[[], bool], what: str) -> None:
    async def looked() -> bool:
        return true()

    await until(looked, what=what)
