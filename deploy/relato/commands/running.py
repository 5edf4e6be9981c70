"""`relato events follow` and `cancel`: what is under way on events, whoever began it."""

import asyncio
import json
import sys
from typing import Annotated, Any

import typer

from relato.commands import under_way
from relato.commands.outcome import refuse, refusing
from relato.operate import Operator, operating
from relato.reach import reach

_JOBS = {
    "/events/verification": ("/events", "log and topic"),
    "/events/republication": ("/events", "republish"),
    "/events/importation": ("/events", "import"),
    "/events/adoption": ("/events", "adopt"),
    "/mails/ledger/verification": ("/mails/ledger", "mails"),
    "/projections/history/fold/verification": ("/projections/history/fold", "read models"),
}
"""Where each kind of job is read, below which address it is ended, and what it is called."""


def register(group: typer.Typer) -> None:
    """Add the commands."""

    @group.command()
    def follow() -> None:
        """Show how far what is under way on events is, until it has ended."""
        with refusing():
            names = asyncio.run(_followed())
        if not names:
            refuse("Nothing is under way.")
        print(f"Ended: {', '.join(names)}.", file=sys.stderr)

    @group.command()
    def cancel(
        *,
        reason: Annotated[str, typer.Option(help="Why; it is kept with your name.")] = "",
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be ended.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    ) -> None:
        """End what is under way on events: verify, republish, import or adopt. What was done stays."""
        with refusing():
            names = asyncio.run(_cancelled({"reason": reason, "dry_run": dry_run}))
        if as_json:
            print(json.dumps({"cancelled": names, "dry_run": dry_run}))
        else:
            words = "Would be cancelled" if dry_run else "Cancelled"
            print(f"{words}: {', '.join(names)}." if names else "Nothing is under way.", file=sys.stderr)


async def _running(operator: Operator) -> dict[str, dict[str, Any]]:
    """The jobs that are under way, by where they are read."""
    known = {path: await operator.find(path) for path in _JOBS}
    return {path: job for path, job in known.items() if job is not None and job["state"] == "running"}


async def _followed() -> list[str]:
    async with operating(reach()) as operator:
        names = []
        for path in await _running(operator):
            name = _JOBS[path][1]
            await under_way.ended(operator, path, name, cancelled=f"{name}: cancelled.")
            names.append(name)
        return names


async def _cancelled(wish: dict[str, Any]) -> list[str]:
    async with operating(reach()) as operator:
        names = []
        for path in await _running(operator):
            address, name = _JOBS[path]
            await operator.post(f"{address}/cancel", wish)
            names.append(name)
        return names
