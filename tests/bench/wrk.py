"""The load generator: wrk, with what it counted as JSON."""

import asyncio
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.bench.results import Latency

_SCRIPTS = Path(__file__).parent


class NoLoadGenerator(Exception):
    """wrk is not installed: it is Debian's package wrk, and in most other distributions."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a run came to: requests a second, and latencies in milliseconds."""

    rate: float
    p50_ms: float
    p99_ms: float

    @property
    def latency(self) -> Latency:
        """As results tell it."""
        return Latency(p50_ms=self.p50_ms, p99_ms=self.p99_ms)


async def run(script: str, targets: Path, url: str, *arguments: str, clients: int, seconds: float) -> Load:
    """Let so many clients ask one after the other; any answer that is no success fails the benchmark."""
    program = shutil.which("wrk")
    if program is None:
        raise NoLoadGenerator((NoLoadGenerator.__doc__ or "").strip())
    process = await asyncio.create_subprocess_exec(
        program,
        *("-t1", f"-c{clients}", f"-d{seconds:.0f}s", "--timeout", "10s", "-s", str(_SCRIPTS / script)),
        *(url, "--", str(targets), *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    text = output.decode()
    if process.returncode != 0 or "RESULT " not in text:
        raise RuntimeError(f"wrk failed:\n{text}")
    counted = json.loads(text.rpartition("RESULT ")[2])
    if counted["bad"] or not counted["requests"]:
        raise RuntimeError(f"{counted['bad']} of {counted['requests']} requests did not succeed:\n{text}")
    return Load(counted["requests"] / counted["seconds"], counted["p50_ms"], counted["p99_ms"])
