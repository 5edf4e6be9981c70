"""The process behind a running stack: starts its children, starts dead ones again, and stops them all."""

import asyncio
import logging
import os
import shutil
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from relato.errors import StackError
from relato.stack import process
from relato.stack.process import Program

log = logging.getLogger("relato.supervisor")

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_STEADY_SECONDS = 10.0
"""Who has run for so long starts afresh with the shortest pause."""
_LOG_LIMIT_BYTES = 32 * 1024 * 1024


@dataclass
class Child:
    """A program and the process that runs it now, if any."""

    program: Program
    running: asyncio.subprocess.Process | None = None
    restarts: int = 0
    last_exit: int | None = None
    watcher: asyncio.Task[None] | None = field(default=None, repr=False)


class Supervisor:
    """Keeps programs running until told to stop; ``changed`` is called whenever something did."""

    def __init__(self, changed: Callable[[Sequence[Child]], None]) -> None:
        self._changed = changed
        self._children: list[Child] = []
        self._stopping = False
        self._housekeeper: asyncio.Task[None] | None = None

    async def start(self, program: Program) -> None:
        """Start a program, wait until it is ready, and keep it running from then on.

        Raises StackError when it does not get ready.
        """
        rotate(program)
        child = Child(program)
        self._children.append(child)
        child.running = await process.start(program)
        self._changed(self._children)
        await process.ready(program, child.running)
        child.watcher = asyncio.create_task(self._keep(child), name=program.name)
        if self._housekeeper is None:
            self._housekeeper = asyncio.create_task(self._trim_logs())

    async def stop(self, *waves: tuple[Callable[[Program], bool], float]) -> None:
        """Stop all children, those of one wave together, each wave with its patience in seconds."""
        self._stopping = True
        tasks = [child.watcher for child in self._children if child.watcher] + [self._housekeeper]
        for task in tasks:
            if task is not None:
                task.cancel()
        await asyncio.gather(*(task for task in tasks if task is not None), return_exceptions=True)
        for belongs, patience in waves:
            await asyncio.gather(
                *(
                    process.stop(child.program, child.running, patience)
                    for child in self._children
                    if child.running is not None and belongs(child.program)
                )
            )

    async def _keep(self, child: Child) -> None:
        """Wait for its death, and start it again after a pause that doubles each time."""
        pause = _FIRST_PAUSE
        while not self._stopping:
            if child.running is None:
                raise RuntimeError(f"{child.program.name} has no process to keep")
            since = time.monotonic()
            child.last_exit = await child.running.wait()
            log.warning("%s ended with %s; starting it again", child.program.name, child.last_exit)
            if time.monotonic() - since > _STEADY_SECONDS:
                pause = _FIRST_PAUSE
            child.running = None
            while child.running is None:
                self._changed(self._children)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                try:
                    child.running = await process.start(child.program)
                except StackError as error:
                    log.warning("%s", error)
            child.restarts += 1
            self._changed(self._children)

    async def _trim_logs(self) -> None:
        while True:
            for child in self._children:
                try:
                    _trim(child.program.log)
                except OSError as error:
                    log.error("%s cannot be trimmed: %s", child.program.log, error)
            await asyncio.sleep(30)


def _trim(path: Path) -> None:
    if path.exists() and path.stat().st_size > _LOG_LIMIT_BYTES:
        # Copied and emptied in place: the child goes on writing to the file it has open.
        shutil.copyfile(path, path.with_suffix(".log.1"))
        os.truncate(path, 0)


def rotate(program: Program) -> None:
    """Put the log of an earlier run aside."""
    if program.log.exists():
        program.log.replace(program.log.with_suffix(".log.1"))


def main() -> None:
    """Run the stack that the environment's settings describe; started by `relato up`."""
    from relato.stack import start  # noqa: PLC0415  # it needs this module

    report_descriptor = int(sys.argv[1])
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for talkative in ("aiokafka", "httpx"):
        logging.getLogger(talkative).setLevel(logging.CRITICAL)
    raise SystemExit(asyncio.run(_until_told(lambda: start.run(report_descriptor))))


async def _until_told(work: Callable[[], Awaitable[int]]) -> int:
    """Run until it ends by itself, which a first signal makes it do; later ones change nothing."""
    task = asyncio.ensure_future(work())
    told = False

    def stop() -> None:
        nonlocal told
        if not told:
            told = True
            task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    return await task


if __name__ == "__main__":
    main()
