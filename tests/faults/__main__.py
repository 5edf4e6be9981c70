"""`python -m tests.faults`: every fault of the catalogue, as a table and as JSON."""

import argparse
import asyncio
import json
import logging
import sys
import time
import traceback
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.faults.catalogue import FAULTS, Entry
from tests.faults.run import NotRunnable, Result, run
from tests.faults.site import Site

RESULTS = Path("build/faults/results.json")


@dataclass(frozen=True, slots=True)
class Planned:
    """A run that is to come."""

    entry: Entry
    seed: int


async def _run(planned: Sequence[Planned]) -> list[Result]:
    """Every run, on stacks that those of a stage share; where one fails, the next gets a new stack."""
    results: list[Result] = []
    for stage, sharing in groupby(planned, lambda each: each.entry.stage):
        to_come = deque(sharing)
        while to_come:
            begun = to_come[0]
            try:
                async with stage() as site:
                    while to_come:
                        begun = to_come.popleft()
                        result = await _one(site, begun)
                        _keep(results, result)
                        if result.failed:
                            break
            except NotRunnable as missing:
                for each in to_come:
                    verdict = f"not runnable here: {missing}"
                    _keep(results, Result(each.entry.name, each.seed, verdict=verdict, missing=True))
                to_come.clear()
            except Exception as error:  # of the stack itself, before this run or after it
                traceback.print_exc()
                if to_come and to_come[0] is begun:
                    to_come.popleft()
                said, verdict = [f"its stack: {error}"], "BROKEN: 1"
                _keep(results, Result(begun.entry.name, begun.seed, verdict=verdict, violations=said))
    return results


def _keep(results: list[Result], result: Result) -> None:
    """Write down all there is after each run, since the next one may be the last."""
    results.append(result)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps([asdict(each) for each in results], ensure_ascii=False, indent=1) + "\n")


async def _one(site: Site, planned: Planned) -> Result:
    began = time.monotonic()
    name, seed = planned.entry.name, planned.seed
    result = await run(site, name, planned.entry.fault, seed)
    seconds = time.monotonic() - began
    for line in (f"{name}, seed {seed}: {result.verdict} ({seconds:.0f} s)", *result.violations[:20]):
        print(line, file=sys.stderr, flush=True)
    return result


def _show(results: Sequence[Result]) -> None:
    columns = (
        "fault",
        "seed",
        "told",
        "refused",
        "unknown",
        "skipped",
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
            *(
                str(value)
                for value in (each.seed, each.acknowledged, each.refused, each.unknown, each.skipped)
            ),
            *(str(value) for value in (each.mails, each.uncertain)),
            *("-" if value is None else str(value) for value in (each.ready_seconds, each.level_seconds)),
            each.verdict,
        )
    Console(width=200).print(table)


def summary(results: Sequence[Result]) -> str:
    """How many of the faults were run, and which were not."""
    faults = {each.fault for each in results}
    missing = sorted({each.fault for each in results if each.missing})
    without = f"; not here: {', '.join(missing)}" if missing else ""
    return f"{len(faults) - len(missing)} of {len(faults)} faults run{without}"


def code(results: Sequence[Result], *, allow_missing: bool) -> int:
    """1 when a promise was broken; 2 when this machine could not run all, unless that is allowed."""
    if any(each.violations for each in results):
        return 1
    return 2 if any(each.missing for each in results) and not allow_missing else 0


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--short", action="store_true", help="each fault once")
    parser.add_argument("--seed", type=int, default=1, help="of the first run of each fault")
    parser.add_argument("--only", action="append", default=[], help="faults whose name contains this")
    parser.add_argument("--times", type=int, help="how often each, instead of the catalogue's number")
    parser.add_argument("--allow-missing", action="store_true", help="0 also where not all can be run here")
    asked = parser.parse_args()
    entries = [each for each in FAULTS if not asked.only or any(word in each.name for word in asked.only)]
    if not entries:
        parser.error(f"no such fault; there are: {', '.join(each.name for each in FAULTS)}")
    # That servers are away is what faults are about; what it means for clients is judged below.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    times = 1 if asked.short else asked.times
    planned = [
        Planned(entry, asked.seed + number) for entry in entries for number in range(times or entry.times)
    ]
    results = asyncio.run(_run(planned))
    _show(results)
    print(summary(results))
    return code(results, allow_missing=asked.allow_missing)


if __name__ == "__main__":
    raise SystemExit(main())
