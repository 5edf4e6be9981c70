"""Databases with a clock of their own, and the schedules that run on them."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
import pytest
from structlog.testing import capture_logs

from tests.model.schedule import Schedule

SCHEDULES = int(os.environ.get("RELATO_MODEL_SCHEDULES", "25"))
"""How many a test of unchanged code explores; more of them find more."""
FOUND_WITHIN = 80
"""Schedules in which a missing safeguard has to show."""


@dataclass(frozen=True)
class Stage:
    """A database that schedules run on, one after the other."""

    url: str
    observer: "asyncpg.Connection[asyncpg.Record]"

    async def advance(self, seconds: float) -> None:
        """Let the model's time pass."""
        await self.observer.execute("UPDATE model.clock SET now = now + make_interval(secs => $1)", seconds)


@asynccontextmanager
async def staged(url: str) -> AsyncIterator[Stage]:
    """A database whose clock stands still unless somebody moves it."""
    observer = await asyncpg.connect(url)
    try:
        await observer.execute(_CLOCK)
        yield Stage(url, observer)
    finally:
        await observer.close()


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Hundreds of deaths, each with its traceback, would take longer to print than to explore."""
    with capture_logs():
        yield


@pytest.fixture
async def notes_stage(database: Callable[..., Awaitable[str]]) -> AsyncIterator[Stage]:
    async with staged(await database("notes")) as stage:
        yield stage


@pytest.fixture
async def notifier_stage(database: Callable[..., Awaitable[str]]) -> AsyncIterator[Stage]:
    async with staged(await database("notifier")) as stage:
        yield stage


def schedules(stage: Stage, first: int, count: int) -> list[Schedule]:
    """So many schedules, by their seeds."""
    return [Schedule(seed, stage.observer) for seed in range(first, first + count)]


_CLOCK = """
CREATE SCHEMA model;
CREATE TABLE model.clock (now timestamptz NOT NULL);
INSERT INTO model.clock VALUES (pg_catalog.now());
CREATE FUNCTION model.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
    AS 'SELECT now FROM model.clock';
"""
