"""`relato audit`: what operators did, over all services."""

import asyncio
import json
from typing import Annotated, Any

import typer

from relato.commands import tables
from relato.commands.dead_letters import SERVICES
from relato.commands.outcome import refusing
from relato.operate import operating
from relato.reach import reach


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def audit(
        limit: Annotated[int, typer.Option(min=1, max=500, help="So many at most.")] = 50,
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    ) -> None:
        """Say who did what as an operator, when and why, the last first; what was only tried is there too."""
        with refusing():
            done = asyncio.run(_recorded(limit))
        if as_json:
            print(json.dumps(done, ensure_ascii=False))
        else:
            _show(done)


async def _recorded(limit: int) -> list[dict[str, Any]]:
    async with operating(reach()) as operator:
        answers = await asyncio.gather(
            *(operator.get(f"/audit/{service}?limit={limit}") for service in SERVICES)
        )
    every = [
        {"service": service, **each}
        for service, answer in zip(SERVICES, answers, strict=True)
        for each in answer["items"]
    ]
    return sorted(every, key=lambda each: (each["at"], each["id"]), reverse=True)[:limit]


def _show(done: list[dict[str, Any]]) -> None:
    tables.show(
        ("at", "who", "what", "of", "which", "why"),
        (
            (
                *(each["at"], each["name"], each["action"] + (" (tried)" if each["dry_run"] else "")),
                *(f"{each['service']}: {each['subject']}", each["target"] or "", each["reason"]),
            )
            for each in done
        ),
    )
