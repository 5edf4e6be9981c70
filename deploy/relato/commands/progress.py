"""The progress of a start: a live list on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterable

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from relato.stack.report import Progress


def shown(progress: Iterable[Progress]) -> Progress | None:
    """Show each step as it comes and give the last word, or None when it broke off without one."""
    console = Console(file=sys.stderr)
    if console.is_terminal and not console.is_dumb_terminal:
        return _live(console, progress)
    return _plain(progress)


def _plain(progress: Iterable[Progress]) -> Progress | None:
    started = time.monotonic()
    for step in progress:
        if step.kind in {"running", "failed"}:
            return step
        mark = "ready" if step.kind == "done" else "     "
        print(
            f"{time.monotonic() - started:5.1f} s {mark} {step.part:<18} {step.text}",
            file=sys.stderr,
            flush=True,
        )
    return None


def _live(console: Console, progress: Iterable[Progress]) -> Progress | None:
    latest: dict[str, Progress] = {}
    spinner = Spinner("dots")

    def table() -> Table:
        rows = Table.grid(padding=(0, 2))
        for part, step in latest.items():
            mark = Text("✓", style="green") if step.kind == "done" else spinner
            rows.add_row(mark, part, Text(step.text, style="dim"))
        return rows

    with Live(get_renderable=table, console=console, refresh_per_second=10):
        for step in progress:
            if step.kind in {"running", "failed"}:
                return step
            latest[step.part] = step
    return None
