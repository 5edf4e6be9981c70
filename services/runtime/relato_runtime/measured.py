"""What a service's database says of its health, looked at every two seconds: all SQL of that."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping

from prometheus_client import Gauge

from relato_runtime.database import Connection, Pool
from relato_runtime.readiness import Readiness

OLDEST = Gauge(
    "relato_oldest_transaction_seconds", "Age of the oldest open transaction in the service's database"
)
LETTERS = Gauge("relato_dead_letters_waiting", "Dead letters about which nobody has decided", ["consumer"])

_LOOK_SECONDS = 2.0

Measurement = Callable[[Connection], Awaitable[Mapping[Gauge, float]]]
"""What a service knows besides, by the gauges that say it."""


async def measure(
    pool: Pool, readiness: Readiness, part: str, *more: Measurement, consumes: bool = True
) -> None:
    """Say until cancelled what is so; what the database no longer tells is not a number."""
    known: dict[Gauge, float] = {}
    try:
        while True:
            async with pool.acquire() as connection:
                told: dict[Gauge, float] = {OLDEST: await oldest(connection)}
                if await sees_all(connection):
                    readiness.forget("transactions")
                else:
                    readiness.remark("transactions", _OWN_ALONE)
                if consumes:
                    told |= await _letters(connection)
                for measurement in more:
                    told |= await measurement(connection)
            for gauge in known.keys() - told.keys():  # of a consumer that is gone
                gauge.set(math.nan)
            known = told
            for gauge, value in known.items():
                gauge.set(value)
            readiness.has(part)
            await asyncio.sleep(_LOOK_SECONDS)
    finally:
        for gauge in known:
            gauge.set(math.nan)


_OWN_ALONE = "those of other roles are not seen: GRANT pg_read_all_stats to the service's role"


async def sees_all(connection: Connection) -> bool:
    """Whether this role is told since when transactions of other roles are open."""
    told: bool = await connection.fetchval("SELECT pg_has_role('pg_read_all_stats', 'USAGE')")
    return told


async def oldest(connection: Connection) -> float:
    """For how many seconds a transaction has been open in this database, whoever's it is."""
    age: float = await connection.fetchval(
        """
        SELECT coalesce(extract(epoch FROM clock_timestamp() - min(xact_start)), 0)::float8
        FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
        """
    )
    return age


async def _letters(connection: Connection) -> dict[Gauge, float]:
    rows = await connection.fetch(
        """
        SELECT consumer, count(*) FILTER (WHERE state = 'parked') AS waiting
        FROM (SELECT DISTINCT consumer FROM positions) AS consumers LEFT JOIN dead_letters USING (consumer)
        GROUP BY consumer
        """
    )
    return {LETTERS.labels(row["consumer"]): row["waiting"] for row in rows}
