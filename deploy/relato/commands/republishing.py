"""`relato events republish`: events of the log to Kafka once more, after a loss or for one consumer."""

import asyncio
import json
import sys
from typing import Annotated, Any

import typer

from relato.commands import fact_types, moments, under_way
from relato.commands.confirm import confirm
from relato.commands.outcome import refusing
from relato.operate import operating
from relato.reach import reach

_SAID = ("replay_id", "topic", "records", "mails", "consumers", "dry_run")


def register(group: typer.Typer) -> None:
    """Add the command."""

    @group.command()
    def republish(
        *,
        ticket: Annotated[str | None, typer.Option(help="Of this ticket alone.")] = None,
        type_: Annotated[
            str | None, typer.Option("--type", help="Of this type alone, such as OccurrenceRecorded.")
        ] = None,
        since: Annotated[str | None, typer.Option(help="Recorded then or later (RFC 3339).")] = None,
        until: Annotated[str | None, typer.Option(help="Recorded before (RFC 3339).")] = None,
        to: Annotated[str | None, typer.Option(help="Another topic, which has to be there.")] = None,
        rate: Annotated[int, typer.Option(min=1, max=100_000, help="Records a second, at most.")] = 2_000,
        reason: Annotated[str, typer.Option(help="Why; it is kept with your name.")] = "",
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Say how many, and who would see them.")
        ] = False,
        yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
        detach: Annotated[bool, typer.Option("--detach", help="Do not wait for its end.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    ) -> None:
        """Publish events of the log once more; nobody is mailed, and consumers drop what they have."""
        wish: dict[str, object] = {
            "ticket_id": ticket,
            "type": None if type_ is None else fact_types.one(type_),
            "since": None if since is None else moments.read("--since", since),
            "until": None if until is None else moments.read("--until", until),
            "rate": rate,
            "reason": reason,
        }
        if to is not None:
            wish["to"] = to
        with refusing():
            said = asyncio.run(_asked(wish, dry_run=True))
            if not dry_run:
                confirm(f"{_sentence(said)} Publish them?", yes=yes)
                said = asyncio.run(_asked(wish, dry_run=False, wait=not detach))
        if as_json:
            print(json.dumps({name: said[name] for name in _SAID}))
        else:
            print(_sentence(said) if dry_run else f"Published: {_sentence(said)}", file=sys.stderr)


async def _asked(wish: dict[str, object], *, dry_run: bool, wait: bool = False) -> dict[str, Any]:
    async with operating(reach()) as operator:
        said: dict[str, Any] = await operator.post("/events/republish", wish | {"dry_run": dry_run})
        if wait:
            await under_way.ended(
                operator,
                "/events/republication",
                "records",
                cancelled="It was cancelled.",
                job=said["job"],
            )
        return said


def _sentence(said: dict[str, Any]) -> str:
    read = ", ".join(said["consumers"]) or "nobody yet"
    return (
        f"{said['records']} records to {said['topic']}, read by {read}; {said['mails']} mails will be sent."
    )
