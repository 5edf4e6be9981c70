"""One child process: how it starts, when it is ready, how it ends, and that it never outlives its parent."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from relato.errors import StackError
from relato.stack import linux
from relato.stack.home import explain

MARK = "RELATO_STACK_PROCESS"
"""In the environment of every process of a local stack, with its name."""

_NO_ROOM_BYTES = 1024 * 1024

Probe = Callable[[], Awaitable[str | None]]
"""Asks a process what it still lacks; None when it is ready."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run and how to tell that it is ready."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    probe: Probe
    address: str = ""
    service: str = ""
    """Whose replica it is, if it is a service's."""
    patience: float = 60.0
    """Seconds until it has to be ready."""
    stop_signal: signal.Signals = signal.SIGTERM
    unprivileged: bool = False
    """It refuses to run as root, so root runs it under another name."""
    explain: Callable[[str], str] = field(default=lambda log: last_line(log))  # noqa: PLW0108  # it is defined below
    """From the end of its log to the reason of its death."""


async def start(program: Program) -> asyncio.subprocess.Process:
    """Start a program with its output in its log; it is told to stop when this process dies."""
    prepare = linux.child_setup(program.stop_signal, unprivileged=program.unprivileged)
    descriptor = None
    try:
        descriptor = os.open(program.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return await asyncio.create_subprocess_exec(
            *program.argv,
            env={**program.environment, MARK: program.name},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,
            preexec_fn=prepare,
            cwd=program.log.parent,
        )
    except OSError as error:
        raise StackError(f"{program.name} cannot be started: {explain(error, program.log)}") from error
    except subprocess.SubprocessError as error:
        if not program.unprivileged:
            raise StackError(f"{program.name} cannot be started: {error}.") from error
        raise StackError(
            f"{program.name} refuses to run as root, and this machine does not let root step down (user "
            f"namespaces): {last_line(tail(program.log)) or error}. Run Relato as an ordinary user, or name "
            "a server that runs elsewhere."
        ) from error
    finally:
        if descriptor is not None:
            os.close(descriptor)


async def ready(program: Program, process: asyncio.subprocess.Process) -> None:
    """Wait until it is ready; raises StackError when it ends before, or takes too long."""
    lacks: str | None = "it has not answered"
    exited = asyncio.create_task(process.wait())
    try:
        async with asyncio.timeout(program.patience):
            while lacks is not None:
                lacks = await program.probe()
                if lacks is not None:
                    await asyncio.wait({exited}, timeout=0.05)
                if exited.done():
                    raise StackError(f"{program.name} did not start: {_reason(program, process)}")
    except TimeoutError:
        raise StackError(
            f"{program.name} was not ready within {program.patience:.0f} s: {lacks}.\n"
            f"Its log is {program.log}."
        ) from None
    finally:
        exited.cancel()


async def stop(program: Program, process: asyncio.subprocess.Process, patience: float) -> None:
    """End a process: the polite signal first, then, after so many seconds, without asking."""
    if process.returncode is not None:
        return
    try:
        process.send_signal(program.stop_signal)
        async with asyncio.timeout(patience):
            await process.wait()
    except ProcessLookupError:
        await process.wait()
    except TimeoutError:
        # Its own children, if it has any, share its session and nothing else does.
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


@asynccontextmanager
async def running(program: Program, patience: float = 10.0) -> AsyncIterator[None]:
    """Run a program for as long as the block lasts; it is ready when the block begins."""
    process = await start(program)
    try:
        await ready(program, process)
        yield
    finally:
        await asyncio.shield(stop(program, process, patience))


async def run(program: Program, each_line: Callable[[str], None] | None = None) -> None:
    """Run a program to its end, handing on each new line of its log; raises StackError when it fails."""
    process = await start(program)
    exited = asyncio.create_task(process.wait())
    shown = 0
    try:
        async with asyncio.timeout(program.patience):
            while not exited.done():
                await asyncio.wait({exited}, timeout=0.2 if each_line else None)
                if each_line:
                    lines = tail(program.log).splitlines()
                    for line in lines[shown:]:
                        each_line(line)
                    shown = len(lines)
    except TimeoutError:
        raise StackError(f"{program.name} took longer than {program.patience:.0f} s.") from None
    finally:
        exited.cancel()
        await asyncio.shield(stop(program, process, 2.0))
    if process.returncode != 0:
        raise StackError(f"{program.name} failed: {_reason(program, process)}")


def _reason(program: Program, process: asyncio.subprocess.Process) -> str:
    """Why it ended, and where to read more."""
    log = tail(program.log)
    if "No space left on device" in log or shutil.disk_usage(program.log.parent).free < _NO_ROOM_BYTES:
        return f"the disk of {program.log.parent} is full. Make room, or set RELATO_HOME to another disk."
    reason = program.explain(log) if log.strip() else f"exit code {process.returncode}"
    return f"{reason}\nIts log is {program.log}."


async def at_once() -> None:
    """Ready as soon as it runs."""


def module(name: str, *arguments: str) -> tuple[str, ...]:
    """The command that runs an installed Python module with this very interpreter."""
    return (sys.executable, "-P", "-m", name, *arguments)


def tail(log: Path, size: int = 16_384) -> str:
    """The end of a log."""
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - size))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def last_line(log: str) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return lines[-1][:400] if lines else ""
