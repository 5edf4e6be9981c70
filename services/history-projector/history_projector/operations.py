"""What operators can do with the generations of a projection: decide, do it, and write down who did."""

from datetime import datetime
from typing import NamedTuple

from asyncpg import LockNotAvailableError
from relato_runtime import operations
from relato_runtime.database import Connection, Pool
from relato_runtime.operations import Operated, Operation
from relato_runtime.refusals import Refused

from history_projector import comparing, ends, generations, rules, switching, verifications
from history_projector.asked import Asked
from history_projector.generations import PROJECTION, Projection
from history_projector.settings import ProjectorSettings
from history_projector.verifications import Compared, Found, Verification

_ACTIONS = 200
_FINDINGS = 1_000
_BRIEFLY = "SET LOCAL lock_timeout = '5s'"


class Acted(NamedTuple):
    """With which generation something was done, or could be, and how it compares with the live one."""

    generation: int | None
    compared: Compared = Compared()


class Operations:
    """The operators' side of one projector's database."""

    def __init__(self, settings: ProjectorSettings, pool: Pool) -> None:
        self._settings = settings
        self._pool = pool

    async def listed(self) -> list[Projection]:
        """All generations, with how far each is."""
        async with self._pool.acquire() as connection:
            return await generations.listed(connection, await ends.behind(self._settings, connection))

    async def verified_at(self) -> datetime | None:
        """When the last verification began, if there was one."""
        async with self._pool.acquire() as connection:
            latest = await verifications.latest(connection)
        return None if latest is None else latest.started_at

    async def verified(self, after: int) -> tuple[Verification, Found] | None:
        """The last verification, and what it has found so far: some of it behind a place."""
        async with self._pool.acquire() as connection:
            latest = await verifications.latest(connection)
            if latest is None:
                return None
            return latest, await verifications.found(connection, latest.id, _FINDINGS, after)

    async def stop_verifying(self, operation: Operation) -> int | None:
        """End the verification that is under way: the generation that it was about, if there was one."""
        async with self._pool.acquire() as connection, connection.transaction():
            number = None if operation.dry_run else await verifications.stop(connection)
            await operations.record(connection, operation, None if number is None else str(number))
        return number

    async def recorded(self) -> list[Operated]:
        """Who did what lately."""
        async with self._pool.acquire() as connection:
            return await operations.recorded(connection, _ACTIONS, subject=PROJECTION)

    async def do(self, asked: Asked) -> Acted:
        """Do it, or with ``dry_run`` only see whether it could be done: the generation that it is about.

        Raises ``Refused`` and ``Held``. A rebuild's generation has no number before it is really asked for. A
        switch, or one back, says how the two were compared: it does not demand that they were.
        """
        try:
            return await self._do(asked)
        except LockNotAvailableError as error:
            raise Refused(
                "The generation is being made or removed just now; try again in a moment."
            ) from error

    async def _do(self, asked: Asked) -> Acted:
        async with operations.alone(self._pool, asked.operation), self._pool.acquire() as connection:
            number = rules.decide(asked.verb, await generations.every(connection), asked.generation)
            compared = Compared()
            if not asked.dry_run:
                await verifications.none_runs(connection)
            if number is not None and asked.verb in {"switch", "rollback"}:
                await switching.level(connection, number)
                live = await generations.live(connection)
                compared = await verifications.compared(connection, number, live)
                if not asked.dry_run:
                    await switching.switch(self._pool, asked, number)
                    return Acted(number, compared)
            async with connection.transaction():
                await connection.execute(_BRIEFLY)
                if not asked.dry_run:
                    number = await _done(connection, asked, number)
                target = None if number is None else str(number)
                await operations.record(connection, asked.operation, target)
        return Acted(number, compared)


async def _done(connection: Connection, asked: Asked, number: int | None) -> int:
    if number is None:
        return await generations.add(connection, "preparing")
    match asked.verb:
        case "pause" | "resume":
            await generations.pause(connection, number, paused=asked.verb == "pause")
        case "verify":
            live = await generations.live(connection)
            total = await comparing.count(connection, number, live)
            await verifications.begin(connection, asked, number, live, total)
        case "cancel" | "drop":
            await generations.become(connection, number, "dropping")
    return number
