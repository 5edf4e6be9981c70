"""The clock of PostgreSQL and all services, stepped while they run."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tests.faults.run import Fault, NotRunnable, Under


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock that libfaketime reads from a file."""

    library: Path
    file: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """What makes every process of a stack go by it."""
        return {
            "LD_PRELOAD": str(self.library),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_CACHE_DURATION": "1",
            # Only wall clocks are stepped; timeouts go on as on a real machine.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            # The JVM does not start under it; a broker that is right while others are not is a fault too.
            "FAKETIME_SKIP_CMDS": "java",
        }

    def step(self, hours: int) -> None:
        """Set it that much before or after the machine's own."""
        self.file.write_text(f"{hours:+d}h\n")


def clock(directory: Path) -> Clock:
    """A clock that is right, kept in a directory; raises NotRunnable without libfaketime."""
    made = Clock(_library(), directory / "clock")
    made.step(0)
    return made


def _library() -> Path:
    found = [
        *Path("/usr/lib").glob("*/faketime/libfaketime.so.1"),
        *(Path("/usr/lib/faketime").glob("libfaketime.so.1")),
    ]
    package = find_spec("libfaketime")
    if package is not None and package.origin is not None:
        found += Path(package.origin).parent.rglob("libfaketime.so.1")
    # The package has the library for one kind of machine, whatever this one is.
    fitting = [each for each in found if _machine(each) == _machine(Path(sys.executable))]
    if not fitting:
        raise NotRunnable("there is no libfaketime for this machine (Debian: faketime)")
    return fitting[0]


def _machine(program: Path) -> bytes:
    """What kind of machine a program is for (ELF's e_machine)."""
    with program.open("rb") as file:
        return file.read(20)[18:]


def stepped(hours: int) -> Fault:
    """The clock is that much wrong from the middle of the load on, and right again before its end."""

    async def fault(under: Under) -> None:
        await under.midway(0.15, 0.3)
        assert under.site.clock is not None, "the stack runs by the machine's own clock"
        under.site.clock.step(hours)
        await under.load.reached(0.7)
        under.site.clock.step(0)

    return fault
