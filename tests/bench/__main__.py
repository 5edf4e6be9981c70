"""``make bench``: measures, prints a table, and writes results and plots to build/bench."""

import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench import (
    commands,
    end_to_end,
    growth,
    history,
    mail,
    memory,
    pages,
    plots,
    projection,
    rebuild,
    relay,
    streams,
    verify,
)
from tests.bench.company import settle
from tests.bench.scene import scene
from tests.support.stack import running_stack

_RESULTS = Path("build/bench/results.json")
_LIMITLESS = {
    "RELATO_REQUESTS_PER_SECOND": "1000000",
    "RELATO_RECIPIENT_PER_MINUTE": "1000000",
    "RELATO_DOMAIN_PER_MINUTE": "10000000",
}


async def measured(only: list[str]) -> dict[str, Any]:
    """All figures, or those that are named."""
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="relato-bench-") as scratch:
        async with running_stack(**_LIMITLESS) as stack:
            here = await scene(stack, await settle(stack), Path(scratch))
            at_rest = await memory.measure(here)
            measures: dict[str, Callable[[], Awaitable[Any]]] = {
                "commands": lambda: commands.measure(here),
                "history": lambda: history.measure(here),
                "end_to_end": lambda: end_to_end.measure(here),
                "pages": lambda: pages.measure(here),
                "rebuild": lambda: rebuild.measure(here),
                "streams": lambda: streams.measure(here),
                "growth": lambda: growth.measure(here, figures),
                "memory": lambda: memory.both(here, at_rest),
                "relay": lambda: relay.measure(here),
                "mail": lambda: mail.measure(here),
                "projection": lambda: projection.measure(here),
                "verify": lambda: verify.measure(here),
            }
            for name, measure in measures.items():
                if not only or name in only:
                    print(f"{name} …", file=sys.stderr, flush=True)
                    figures[name] = await measure()
                    print(json.dumps({name: figures[name]}), file=sys.stderr, flush=True)
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


def _show(figures: Mapping[str, Any]) -> None:
    table = Table("figure", "ratio", "wanted", "", box=None, pad_edge=False)
    for each in plots.ratios(figures):
        wanted = f"{'≤' if each.at_most else '≥'} {each.wanted:.2f}"
        table.add_row(each.name, f"{each.ratio:.2f}", wanted, "" if each.met else "not reached")
    Console(width=110).print(table)


def main() -> None:
    """Measure what was asked for; figures of earlier runs that were not asked for stay."""
    only = sys.argv[1:]
    figures = asyncio.run(measured(only))
    known = json.loads(_RESULTS.read_text()) if only and _RESULTS.exists() else {}
    _RESULTS.parent.mkdir(parents=True, exist_ok=True)
    _RESULTS.write_text(json.dumps(known | figures, indent=1) + "\n")
    plots.draw(known | figures, _RESULTS.parent)
    _show(known | figures)


if __name__ == "__main__":
    main()
