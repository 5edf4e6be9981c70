"""`relato demo`: load the demonstration data, or say what is missing of it."""

import asyncio
import json
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from relato.commands.outcome import refusing
from relato.demo.load import Loaded, load
from relato.reach import reach


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def demo(
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    ) -> None:
        """Load the demonstration data; what is there already stays as it is."""
        with refusing():
            loaded = run(dry_run=dry_run)
        if as_json:
            document = {
                "published": loaded.published,
                "requested": loaded.requested,
                "without_requests": loaded.without_requests,
                "dry_run": dry_run,
            }
            print(json.dumps(document))
        else:
            print(_sentence(loaded, dry_run), file=sys.stderr)


def run(*, dry_run: bool = False) -> Loaded:
    """Load with a progress bar on a terminal; raises StackError when it cannot be done."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(file=sys.stderr)
    plain = not console.is_terminal or console.is_dumb_terminal
    with Bar(*columns, console=console, disable=plain) as bar:
        tasks: dict[str, TaskID] = {}

        def told(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
                if plain:
                    print(f"{what}: {total} …", file=sys.stderr, flush=True)
            bar.update(tasks[what], completed=done, total=total)

        return asyncio.run(load(reach(), told, dry_run=dry_run))


def _sentence(loaded: Loaded, dry_run: bool) -> str:
    if not loaded.published:
        return "The demonstration data is there already."
    would = "Would publish" if dry_run else "Published"
    sentence = (
        f"{would} {loaded.published} facts and {'send' if dry_run else 'sent'} {loaded.requested} requests."
    )
    if loaded.without_requests:
        sentence += " Nobody could be acted for, since tokens come from another issuer."
    return sentence
