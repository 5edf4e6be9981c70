"""`python -m tests.faults`: every fault of the catalogue, as a table and as JSON."""

import argparse
import asyncio
import json
import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.faults.catalogue import FAULTS, Entry
from tests.faults.run import NotRunnable, Result, run
from tests.faults.site import Site

RESULTS = Path("build/faults/results.json")


async def _run(entries: Sequence[Entry], times: int | None, seed: int) -> list[Result]:
    results: list[Result] = []
    for stage, sharing in groupby(entries, lambda entry: entry.stage):
        these = list(sharing)
        try:
            async with stage() as site:
                results += [
                    await _one(site, entry, seed + number)
                    for entry in these
                    for number in range(times or entry.times)
                ]
        except NotRunnable as missing:
            results += [Result(each.name, seed, verdict=f"not runnable here: {missing}") for each in these]
    return results


async def _one(site: Site, entry: Entry, seed: int) -> Result:
    began = time.monotonic()
    result = await run(site, entry.name, entry.fault, seed)
    seconds = time.monotonic() - began
    for line in (f"{entry.name}, seed {seed}: {result.verdict} ({seconds:.0f} s)", *result.violations[:20]):
        print(line, file=sys.stderr, flush=True)
    return result


def _show(results: Sequence[Result]) -> None:
    columns = (
        "fault",
        "seed",
        "told",
        "refused",
        "unknown",
        "mails",
        "uncertain",
        "ready s",
        "level s",
        "verdict",
    )
    table = Table(*columns, box=None, pad_edge=False)
    for each in results:
        table.add_row(
            each.fault,
            *(str(value) for value in (each.seed, each.acknowledged, each.refused, each.unknown)),
            *(str(value) for value in (each.mails, each.uncertain, each.ready_seconds, each.level_seconds)),
            each.verdict,
        )
    Console(width=200).print(table)


def main() -> int:
    """Run what was asked for; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--short", action="store_true", help="each fault once")
    parser.add_argument("--seed", type=int, default=1, help="of the first run of each fault")
    parser.add_argument("--only", action="append", default=[], help="faults whose name contains this")
    parser.add_argument("--times", type=int, help="how often each, instead of the catalogue's number")
    asked = parser.parse_args()
    entries = [each for each in FAULTS if not asked.only or any(word in each.name for word in asked.only)]
    if not entries:
        parser.error(f"no such fault; there are: {', '.join(each.name for each in FAULTS)}")
    # That servers are away is what faults are about; what it means for clients is judged below.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    results = asyncio.run(_run(entries, 1 if asked.short else asked.times, asked.seed))
    _show(results)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps([asdict(each) for each in results], ensure_ascii=False, indent=1) + "\n")
    return int(any(each.violations for each in results))


if __name__ == "__main__":
    raise SystemExit(main())
