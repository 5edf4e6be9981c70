"""Who goes on next: everything that waits at a gate, one at a time, by a seeded choice."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import asyncpg

Result = TypeVar("Result")

_QUIET_TURNS = 25
"""Turns of the event loop after which code in memory has come to its next gate."""

_PATIENCE_SECONDS = 30


class Crashed(BaseException):
    """The process is gone; no ``except Exception`` of its code may notice."""


class Violated(Exception):
    """A promise was broken."""


@dataclass(eq=False)
class Process:
    """A process of a service: what it holds in memory and in the database dies with it."""

    name: str
    alive: bool = True
    mortal: bool = True
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)
    backends: set[int] = field(default_factory=set)
    died: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(eq=False)
class _Gate:
    process: Process
    what: str
    opened: "asyncio.Future[None]"


@dataclass(frozen=True)
class Action:
    """Something that may happen from outside, as long as ``enabled``."""

    what: str
    happen: Callable[[], Awaitable[None]]
    enabled: Callable[[], bool] = lambda: True
    weight: float = 1.0


class Schedule:
    """One run of a model, the same again for the same seed."""

    def __init__(self, seed: int, observer: "asyncpg.Connection[asyncpg.Record]") -> None:
        self.chance = random.Random(seed)
        self.trace = [f"seed {seed}"]
        self._observer = observer
        self._gates: list[_Gate] = []
        self._at_work: dict[asyncio.Future[None], int] = {}
        self._processes: list[Process] = []
        self.collisions: set[str] = set()
        """Constraints that statements ran into."""

    def process(self, name: str) -> Process:
        """A new process."""
        process = Process(name)
        self._processes.append(process)
        return process

    def start(self, process: Process, work: Coroutine[object, object, None]) -> None:
        """Let a process do something for as long as it lives."""
        process.tasks.append(asyncio.create_task(work))

    async def gate(self, process: Process, what: str) -> None:
        """Wait until it is this one's turn; ``Crashed`` when its process died instead."""
        if not process.alive:
            raise Crashed
        gate = _Gate(process, what, asyncio.get_running_loop().create_future())
        self._gates.append(gate)
        await gate.opened

    async def outside(self, work: Awaitable[Result]) -> Result:
        """Something that takes its time outside of this process, and waits for nobody."""
        done = asyncio.get_running_loop().create_future()
        self._at_work[done] = 0
        try:
            return await work
        finally:
            del self._at_work[done]
            done.set_result(None)

    async def statement(self, process: Process, backend: int, work: Awaitable[Result]) -> Result:
        """A statement that the server works on, perhaps waiting for somebody's lock."""
        done = asyncio.get_running_loop().create_future()
        self._at_work[done] = backend
        process.backends.add(backend)
        try:
            return await work
        except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.AdminShutdownError) as error:
            if process.alive:
                raise
            raise Crashed from error
        except asyncpg.UniqueViolationError as error:
            self.collisions.add(str(error.constraint_name))
            raise
        finally:
            del self._at_work[done]
            done.set_result(None)

    async def explore(
        self,
        actions: Sequence[Action],
        check: Callable[[], Awaitable[None]],
        finished: Callable[[], bool],
        *,
        steps: int,
        deaths: int = 0,
    ) -> None:
        """Take one step after another, with a ``check`` before each, until ``finished`` or so many."""
        for _ in range(steps):
            try:
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    await self._settle()
            except TimeoutError as error:
                raise Violated("everybody waits for everybody") from error
            await check()
            if finished():
                return
            choices: list[tuple[float, _Gate | Action | Process]] = [(1.0, gate) for gate in self._gates]
            choices += [(action.weight, action) for action in actions if action.enabled()]
            if deaths:
                choices += [
                    (0.05, process) for process in self._processes if process.alive and process.mortal
                ]
            if not choices:
                return
            (choice,) = self.chance.choices([each for _, each in choices], [weight for weight, _ in choices])
            match choice:
                case _Gate():
                    self._open(choice)
                case Action():
                    self.trace.append(choice.what)
                    await choice.happen()
                case Process():
                    deaths -= 1
                    await self.kill(choice)

    async def kill(self, process: Process) -> None:
        """End a process as SIGKILL does, between two statements."""
        self.trace.append(f"{process.name} dies")
        process.alive = False
        for gate in [each for each in self._gates if each.process is process]:
            self._gates.remove(gate)
            gate.opened.set_exception(Crashed())
        # Again and again: a connection that was being opened may have been made meanwhile.
        while await self._observer.fetchval(
            "SELECT count(pg_terminate_backend(pid)) > 0 FROM pg_stat_activity WHERE pid = ANY($1::int[])",
            list(process.backends),
        ):
            pass
        for task in process.tasks:
            task.cancel()
        if process.tasks:
            await asyncio.wait(process.tasks)
        for task in process.tasks:
            if not task.cancelled():
                task.exception()  # its own death, which is no news
        process.died.set()

    async def kill_all(self) -> None:
        """End whoever still lives."""
        for process in self._processes:
            if process.alive:
                await self.kill(process)

    def _open(self, gate: _Gate) -> None:
        self._gates.remove(gate)
        self.trace.append(f"{gate.process.name}: {gate.what}")
        gate.opened.set_result(None)

    async def _settle(self) -> None:
        """Wait until everybody is at a gate, waits for a lock, or has nothing to do."""
        while True:
            for _ in range(_QUIET_TURNS):
                await asyncio.sleep(0)
            if not self._at_work:
                return
            rows = await self._observer.fetch(
                "SELECT pid FROM unnest($1::int[]) AS pid WHERE cardinality(pg_blocking_pids(pid)) > 0",
                list(self._at_work.values()),
            )
            if not self._at_work:
                continue
            blocked = {row["pid"] for row in rows}
            working = [done for done, backend in self._at_work.items() if backend not in blocked]
            if working:
                await asyncio.wait(working, timeout=0.01, return_when=asyncio.FIRST_COMPLETED)
            elif self._gates:
                return
            else:  # nobody else can let them go on: PostgreSQL will, if it is a deadlock
                await asyncio.wait(list(self._at_work), return_when=asyncio.FIRST_COMPLETED)
