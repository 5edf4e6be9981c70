"""Rows for people to read: nothing is cut, so that what is shown can be copied into the next command."""

import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

PIPED_WIDTH = 1_000  # a file or a program has no width


def show(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table on standard output, or say on standard error that there is nothing."""
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*row)
    if not table.row_count:
        print("There are none.", file=sys.stderr)
        return
    width = None if sys.stdout.isatty() else PIPED_WIDTH
    Console(width=width, highlight=False, markup=False).print(table)
