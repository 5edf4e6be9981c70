"""`relato events head`: what was signed last of the log, to be kept elsewhere."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from relato.commands.outcome import refuse, refusing
from relato.operate import operating
from relato.reach import reach


def register(group: typer.Typer) -> None:
    """Add the command."""

    @group.command()
    def head(
        *,
        output: Annotated[Path | None, typer.Option(help="A file instead of standard output.")] = None,
        as_json: Annotated[bool, typer.Option("--json", help="With the public keys, as JSON.")] = False,
    ) -> None:
        """Print the last signed head of the log: whoever keeps it can show whether it was rewritten since."""
        with refusing():
            found = asyncio.run(_head())
        if found is None:
            refuse("Nothing was signed yet.")
        text = json.dumps(found) + "\n" if as_json else found["checkpoint"]
        if output is None:
            sys.stdout.write(text)
        else:
            output.write_text(text)


async def _head() -> Any:
    async with operating(reach()) as operator:
        return await operator.get("/events/head")
