"""``make bench``: measures, prints a table, and writes results, the table and plots to build/bench."""

import asyncio
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import psutil
from pydantic import ValidationError

from tests.bench import (
    chain,
    commands,
    end_to_end,
    growth,
    history,
    mail,
    memory,
    pages,
    past,
    plots,
    projection,
    rebuild,
    relay,
    report,
    streams,
    verify,
)
from tests.bench.company import settle
from tests.bench.results import Figure, Machine, Results
from tests.bench.scene import scene
from tests.support.stack import running_stack

_DIRECTORY = Path("build/bench")
_RESULTS = _DIRECTORY / "results.json"
_LIMITLESS = {
    "RELATO_REQUESTS_PER_SECOND": "1000000",
    "RELATO_STREAMS_PER_PERSON": "1000000",
    "RELATO_RECIPIENT_PER_MINUTE": "1000000",
    "RELATO_DOMAIN_PER_MINUTE": "10000000",
}


async def measured(results: Results, only: list[str]) -> AsyncIterator[Results]:
    """With one figure more each time: all of them, or those that are named."""
    with tempfile.TemporaryDirectory(prefix="relato-bench-") as scratch:
        # On the disk, which is a part of what is measured.
        async with running_stack(Path(tempfile.mkdtemp(prefix="relato-")), **_LIMITLESS) as stack:
            here = await scene(stack, await settle(stack), Path(scratch))
            at_rest = await memory.measure(here)
            await past.begin(here)
            measures: dict[str, Callable[[], Awaitable[Figure]]] = {
                "commands": lambda: commands.measure(here),
                "chain": lambda: chain.measure(here),
                "end_to_end": lambda: end_to_end.measure(here),
                "streams": lambda: streams.measure(here),
                "history": lambda: history.measure(here),
                "pages": lambda: pages.measure(here),
                "rebuild": lambda: rebuild.measure(here),
                "relay": lambda: relay.measure(here),
                "mail": lambda: mail.measure(here),
                "projection": lambda: projection.measure(here),
                "growth": lambda: growth.measure(here, results),
                "memory": lambda: memory.both(here, at_rest),
                "verify": lambda: verify.measure(here),
            }
            for name, measure in measures.items():
                if not only or name in only:
                    print(f"{name} …", file=sys.stderr, flush=True)
                    # Validated as a whole: a copy with an update would take anything.
                    results = Results.model_validate(dict(results) | {name: await measure()})
                    print(results.model_dump_json(include={name}), file=sys.stderr, flush=True)
                    yield results


def _known(circumstances: Results) -> Results:
    """What earlier runs measured of this same commit; of others nothing, so that figures belong together."""
    try:
        known = Results.model_validate_json(_RESULTS.read_text())
    except (FileNotFoundError, ValidationError):
        return circumstances
    if known.commit != circumstances.commit:
        return circumstances
    return known.model_copy(update={"machine": circumstances.machine, "at": circumstances.at})


def _circumstances() -> Results:
    asked = ("git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    commit = subprocess.run(asked, capture_output=True, text=True, check=False)
    machine = Machine(
        cores=os.cpu_count() or 1,
        memory_gb=round(psutil.virtual_memory().total / 1e9, 1),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        load=round(os.getloadavg()[0], 2),
    )
    return Results(machine=machine, commit=commit.stdout.strip(), at=datetime.now(UTC))


def _write(results: Results) -> None:
    _DIRECTORY.mkdir(parents=True, exist_ok=True)
    _RESULTS.write_text(results.model_dump_json(indent=1, exclude_none=True) + "\n")
    (_DIRECTORY / "table.md").write_text(report.markdown(results))


async def _run(begun: Results, only: list[str]) -> Results:
    results = begun
    async for more in measured(begun, only):
        _write(results := more)  # what has been measured is not lost when the next figure fails
    return results


def main() -> None:
    """Measure what was asked for; figures of earlier runs of the same commit that were not asked for stay."""
    only = sys.argv[1:]
    circumstances = _circumstances()
    results = asyncio.run(_run(_known(circumstances) if only else circumstances, only))
    plots.draw(results, _DIRECTORY)
    report.show(results)


if __name__ == "__main__":
    main()
