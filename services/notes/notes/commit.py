"""Group commit: commands that wait for a transaction share the next one."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import asyncpg
import structlog
from prometheus_client import Histogram
from relato_runtime import telemetry
from relato_runtime.database import UNAVAILABLE, Pool
from relato_runtime.problems import unavailable

from notes import errors
from notes.handle import Outcome, Request, handle
from notes.requested import Response

log = structlog.get_logger(__name__)

BATCH = Histogram(
    "relato_commit_commands", "Commands that shared a transaction", buckets=(1, 2, 4, 8, 16, 32, 64)
)
SECONDS = Histogram(
    "relato_command_seconds",
    "From taking a command to its answer, by what became of it: accepted, refused, failed",
    ["command", "outcome"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
_LARGEST_BATCH = 64
_COMMITTERS = 2


@dataclass(frozen=True, slots=True)
class _Waiting:
    request: Request
    answered: asyncio.Future[Response]


class Committer:
    """Takes requests one by one and commits them together; what it answers has been committed."""

    def __init__(self, pool: Pool, on_commit: Callable[[], None]) -> None:
        self._pool = pool
        self._on_commit = on_commit
        self._waiting: asyncio.Queue[_Waiting] = asyncio.Queue()
        self._open = False

    async def commit(self, request: Request) -> Response:
        """What to answer; raises ``Refused``, or a database error when nothing is known to have happened.

        Until it runs, 503.
        """
        if not self._open:
            raise unavailable("Commands are not accepted yet.", retry_after=2)
        started, since, outcome = time.perf_counter(), telemetry.now(), "failed"
        answered: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        try:
            await self._waiting.put(_Waiting(request, answered))
            response = await answered
            outcome = "accepted"
            return response
        except errors.Refused:
            outcome = "refused"
            raise
        finally:
            name = type(request.command).__name__
            SECONDS.labels(name, outcome).observe(time.perf_counter() - started)
            telemetry.past(
                f"commit {name}",
                request.traceparent,
                since,
                failed=outcome == "failed",
                relato__outcome=outcome,
                relato__ticket_id=request.command.ticket_id,
                relato__correlation_id=request.correlation_id,
            )

    async def run(self) -> None:
        """Commit until cancelled; what has been taken from the queue is still answered."""
        self._open = True
        async with asyncio.TaskGroup() as committers:
            for _ in range(_COMMITTERS):
                committers.create_task(self._commit_forever())

    async def _commit_forever(self) -> None:
        while True:
            batch = [await self._waiting.get()]
            while len(batch) < _LARGEST_BATCH and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            await asyncio.shield(self._commit(batch))

    async def _commit(self, batch: Sequence[_Waiting], *, again: bool = True) -> None:
        BATCH.observe(len(batch))
        try:
            outcomes = await self._transact([waiting.request for waiting in batch])
        except UNAVAILABLE as error:
            # Perhaps it was committed. Whoever sends the same key again will learn.
            self._fail(batch, error)
        except Exception as error:
            # It was rolled back. One of them is to blame, and must not take the others down.
            if len(batch) == 1:
                # Perhaps another committer has just used its idempotency key on another ticket, whose
                # lock did not stop this one. That answer can be read now.
                if again and isinstance(error, asyncpg.UniqueViolationError):
                    await self._commit(batch, again=False)
                else:
                    self._fail(batch, error)
                return
            log.warning("batch rolled back, trying its commands one by one", error=type(error).__name__)
            for waiting in batch:
                await self._commit([waiting])
        else:
            self._on_commit()
            for waiting, outcome in zip(batch, outcomes, strict=True):
                if waiting.answered.done():
                    continue
                if isinstance(outcome, errors.Refused):
                    waiting.answered.set_exception(outcome)
                else:
                    waiting.answered.set_result(outcome)

    def _fail(self, batch: Sequence[_Waiting], error: Exception) -> None:
        for waiting in batch:
            if not waiting.answered.done():
                waiting.answered.set_exception(error)

    async def _transact(self, requests: Sequence[Request]) -> list[Outcome]:
        async with self._pool.acquire() as connection, connection.transaction():
            return await handle(connection, requests)
