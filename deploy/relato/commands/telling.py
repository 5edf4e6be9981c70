"""`relato emails tell`: what became of a ticket's mails, to Kafka once more."""

import asyncio
import json
import sys
from typing import Annotated, Any

import typer

from relato.commands.confirm import confirm
from relato.commands.outcome import refusing
from relato.operate import operating
from relato.reach import reach


def register(group: typer.Typer) -> None:
    """Add the command."""

    @group.command()
    def tell(
        ticket: Annotated[str, typer.Argument(metavar="TICKET", help="Its id.")],
        *,
        reason: Annotated[str, typer.Option(help="Why; it is kept with your name.")] = "",
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many.")] = False,
        yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    ) -> None:
        """Publish once more what became of a ticket's mails, where Kafka has lost it; nobody is mailed."""
        wish: dict[str, object] = {"ticket_id": ticket, "reason": reason}
        with refusing():
            said = asyncio.run(_told(wish | {"dry_run": True}))
            if not dry_run:
                confirm(f"Tell what became of {said['mails']} mails?", yes=yes)
                said = asyncio.run(_told(wish))
        if as_json:
            print(json.dumps(said))
        else:
            words = "would be told" if dry_run else "told"
            print(f"{said['mails']} mails {words}.", file=sys.stderr)


async def _told(wish: dict[str, object]) -> dict[str, Any]:
    async with operating(reach()) as operator:
        said: dict[str, Any] = await operator.post("/mails/ledger/tell", wish)
        return said
