"""`relato retention`: what was said on tickets that have been closed for long goes."""

import asyncio
import json
import sys
from typing import Annotated, Any

import typer

from relato.commands import under_way
from relato.commands.confirm import confirm
from relato.commands.outcome import refusing
from relato.operate import operating
from relato.reach import reach


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def retention(
        *,
        months: Annotated[int, typer.Option(min=1, max=1_200, help="Closed for longer than so many months.")],
        reason: Annotated[str, typer.Option(help="Why, such as the rule; it is kept with your name.")],
        rate: Annotated[int, typer.Option(min=1, max=100_000, help="Facts a second, at most.")] = 2_000,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how much would go.")] = False,
        yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
        detach: Annotated[bool, typer.Option("--detach", help="Do not wait for its end.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    ) -> None:
        """Erase for good what was said on tickets that were closed long ago; who did what and when stays."""
        wish = {"months": months, "reason": reason, "rate": rate}
        with refusing():
            said, stays = asyncio.run(_erased(wish | {"dry_run": True}, wait=False))
            if not dry_run:
                confirm(f"{_sentence(said)} Erase it? Nobody can bring it back.", yes=yes)
                said, stays = asyncio.run(_erased(wish, wait=not detach))
        if as_json:
            print(json.dumps(said))
        elif dry_run or detach:
            print(_sentence(said), file=sys.stderr)
        else:
            done = f"It is erased: {said['events']} facts on {said['tickets']} tickets."
            print(f"{done} {under_way.files(stays)}" if said["events"] else done, file=sys.stderr)


async def _erased(wish: dict[str, Any], *, wait: bool) -> tuple[dict[str, Any], float | None]:
    """What goes or would go, and for how many seconds brokers keep files of what was cut off."""
    async with operating(reach()) as operator:
        said: dict[str, Any] = await operator.post("/people/retention", wish)
        if not wait:
            return said, None
        known = await under_way.ended(
            operator,
            "/people/retention",
            "facts",
            cancelled="It was cancelled; what has gone has gone.",
            job=said["job"],
        )
        return said, known["files_seconds"]


def _sentence(said: dict[str, Any]) -> str:
    drafts = f"; {said['drafts']} drafts lie there" if said["drafts"] else ""
    return f"{said['events']} facts on {said['tickets']} tickets say something{drafts}."
