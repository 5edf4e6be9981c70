"""``make bench``: measures, prints a table, and writes build/bench/results.json."""

import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from relato.stack import postgres

from tests.bench import commands, memory, relay
from tests.bench.company import settle
from tests.support.stack import running_stack

RESULTS = Path("build/bench/results.json")


async def main(only: list[str]) -> dict[str, Any]:
    """All figures, or those that are named."""
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="relato-bench-") as scratch:
        work = Path(scratch)
        async with running_stack(RELATO_REQUESTS_PER_SECOND="1000000") as stack:
            company = await settle(stack)
            status = await stack.json("status")
            measures: dict[str, Callable[[], Awaitable[Any]]] = {
                "commands": lambda: commands.measure(stack, company, work),
                "relay": lambda: relay.measure(
                    postgres.dsn(stack.home / "postgres"), status["kafka"]["bootstrap"]
                ),
                "memory": lambda: memory.measure(stack),
            }
            for name, measure in measures.items():
                if not only or name in only:
                    print(f"{name} …", file=sys.stderr, flush=True)
                    figures[name] = await measure()
                    print(json.dumps({name: figures[name]}, indent=1), flush=True)
    return figures | _circumstances()


def _circumstances() -> dict[str, Any]:
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "machine": {
            "cores": os.cpu_count(),
            "system": f"{platform.system()} {platform.machine()}",
            "python": platform.python_version(),
        },
        "commit": commit.stdout.strip(),
        "at": datetime.now(UTC).isoformat(),
    }


if __name__ == "__main__":
    results = asyncio.run(main(sys.argv[1:]))
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    known = json.loads(RESULTS.read_text()) if sys.argv[1:] and RESULTS.exists() else {}
    RESULTS.write_text(json.dumps(known | results, indent=1) + "\n")
