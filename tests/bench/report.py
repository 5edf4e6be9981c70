"""Results as tables: for whoever waits for them, and as Markdown for the README."""

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from tests.bench.aims import Row, number, rows
from tests.bench.results import Results

_HEAD = ("Figure", "Measured", "Aim", "", "Beside it")


def show(results: Results) -> None:
    """The table on the terminal; what was not reached says so."""
    table = Table(*_HEAD, box=None, pad_edge=False)
    for row in rows(results):
        table.add_row(*(each.replace("`", "") for each in _cells(row)))
    Console(width=200).print(table)


def markdown(results: Results) -> str:
    """The same, with what it was measured of, when and where."""
    machine = results.machine
    where = (
        f"Measured on {results.at:%Y-%m-%d} at commit `{results.commit[:12]}`, {machine.system} with "
        f"{machine.cores} cores and {number(machine.memory_gb)} GB, Python {machine.python}, "
        f"load {number(machine.load)} before it began."
    )
    return "\n".join([where, "", *_lines(results)]) + "\n"


def _lines(results: Results) -> Iterator[str]:
    yield f"| {' | '.join(_HEAD)} |"
    yield "|---" * len(_HEAD) + "|"
    for row in rows(results):
        yield f"| {' | '.join(_cells(row))} |"


def _cells(row: Row) -> tuple[str, ...]:
    wanted = "" if row.wanted is None else f"{'≤' if row.at_most else '≥'} {number(row.wanted)}"
    measured = f"{number(row.measured)} {row.unit}".rstrip()
    return row.figure, measured, wanted, "not reached" if row.missed else "", row.beside
