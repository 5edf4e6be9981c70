"""A small disk of its own for PostgreSQL, which can be filled to the last byte."""

import asyncio
import errno
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults.run import NotRunnable, Under
from tests.support.waiting import until

_SIZE = "512m"
_CHUNK = bytes(1024 * 1024)


@dataclass(frozen=True, slots=True)
class Disk:
    """The home of a stack whose PostgreSQL has a file system to itself."""

    home: Path

    @property
    def _ballast(self) -> Path:
        return self.home / "postgres" / "ballast"

    def fill(self) -> None:
        """Leave no room at all."""
        with self._ballast.open("ab", buffering=0) as file:
            size = len(_CHUNK)
            while size:
                try:
                    file.write(_CHUNK[:size])
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    size //= 2

    def free(self) -> None:
        """Give the room back."""
        self._ballast.unlink()


@asynccontextmanager
async def small_disk() -> AsyncIterator[Disk]:
    """Mount one; raises NotRunnable where that is not allowed."""
    home = Path(tempfile.mkdtemp(prefix="relato-"))
    place = home / "postgres"
    place.mkdir(mode=0o700)
    try:
        await _mounted("mount", "-t", "tmpfs", "-o", f"size={_SIZE},mode=0700", "relato-faults", str(place))
        try:
            yield Disk(home)
        finally:
            await _mounted("umount", str(place))
    finally:
        shutil.rmtree(home, ignore_errors=True)


async def _mounted(*command: str) -> None:
    if os.geteuid() != 0 or shutil.which(command[0]) is None:
        raise NotRunnable("a small file system can only be mounted by root on Linux")
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, errors = await process.communicate()
    if process.returncode != 0:
        raise NotRunnable(f"{command[0]}: {errors.decode().strip()}")


async def full(under: Under) -> None:
    """The disk of PostgreSQL is full for a while."""
    disk, load = under.site.disk, under.load
    assert disk is not None, "PostgreSQL shares a disk with others"
    await under.midway(0.15, 0.3)
    before = load.number("unknown")
    disk.fill()
    try:

        async def felt() -> bool:
            return load.number("unknown") >= before + 10

        await until(felt, within=60, what="commands to meet the full disk")
    finally:
        disk.free()
