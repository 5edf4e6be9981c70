"""`relato events adopt` and `accept`: what repairs the log from its topic, or leaves the topic as it is."""

import asyncio
import json
import sys
from typing import Annotated, Any

import typer

from relato.commands import under_way
from relato.commands.confirm import confirm
from relato.commands.outcome import refuse, refusing
from relato.operate import operating
from relato.reach import reach

Reason = Annotated[str, typer.Option(help="Why; it is kept with your name.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say whether it could be done.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document.")]


def register(group: typer.Typer) -> None:
    """Add the commands."""

    @group.command()
    def adopt(
        *,
        ticket: Annotated[str | None, typer.Option(help="Of this ticket alone.")] = None,
        reason: Reason = "",
        dry_run: DryRun = False,
        yes: Yes = False,
        as_json: Json = False,
    ) -> None:
        """Take over from the topic what the log lacks, byte for byte; exit code 1 if the log has another."""
        wish = {"ticket_id": ticket, "reason": reason, "dry_run": dry_run}
        with refusing():
            if not dry_run:
                confirm("Take over from Kafka what the log lacks?", yes=yes)
            said = asyncio.run(_adopted(wish))
        if as_json:
            print(json.dumps(said))
        else:
            print("It could be done." if dry_run else "Done.", file=sys.stderr)
        if contradicting := said["not_adopted"]:
            names = ", ".join(f"version {each['version']} of {each['ticket_id']}" for each in contradicting)
            refuse(f"The log has another, or too little for it: {names}.")

    @group.command()
    def accept(
        partition: Annotated[int, typer.Argument(min=0, help="Of the record on relato.notes.")],
        offset: Annotated[int, typer.Argument(min=0, help="Of the record in its partition.")],
        *,
        reason: Annotated[str, typer.Option(help="Why; it is kept with your name, and needed.")],
        dry_run: DryRun = False,
        yes: Yes = False,
        as_json: Json = False,
    ) -> None:
        """Leave a wrong record as it is: nothing on a topic can be taken back. It is told, and not wrong."""
        wish = {"partition": partition, "offset": offset, "reason": reason}
        with refusing():
            said = asyncio.run(_posted("accept", wish | {"dry_run": True}))
            if not dry_run:
                confirm(f"It is {' and '.join(said['kinds'])}. Accept it as it is?", yes=yes)
                said = asyncio.run(_posted("accept", wish))
        if as_json:
            print(json.dumps(said))
        else:
            print("It could be accepted." if dry_run else "Accepted.", file=sys.stderr)


async def _adopted(wish: dict[str, Any]) -> dict[str, Any]:
    async with operating(reach()) as operator:
        said: dict[str, Any] = await operator.post("/events/adopt", wish)
        if wish["dry_run"]:
            return said | {"not_adopted": []}
        found = await under_way.ended(
            operator,
            "/events/adoption",
            "records",
            cancelled="It was cancelled; what was taken over stays.",
            job=said["job"],
        )
        places = ("ticket_id", "version", "partition", "offset")
        return said | {"not_adopted": [{name: each[name] for name in places} for each in found["findings"]]}


async def _posted(verb: str, wish: dict[str, Any]) -> dict[str, Any]:
    async with operating(reach()) as operator:
        said: dict[str, Any] = await operator.post(f"/events/{verb}", wish)
        return said
