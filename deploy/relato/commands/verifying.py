"""`relato events verify`: each service verifies what is its own, and what they find is said together."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from relato.commands import tables, under_way
from relato.commands.outcome import refuse, refusing
from relato.errors import StackError
from relato.operate import Operator, operating
from relato.reach import reach

_PARTS = {
    "events": "log and topic",
    "mails/ledger": "mails",
    "projections/history/fold": "read models",
}
"""Below which address a service verifies, and what."""
_OUTBOX_SECONDS = 60
_OTHERWISE = (
    "A verification that was not asked this is under way: wait for its end (`relato events follow`),"
    " or end it (`relato events cancel`)."
)
_SAID = ("kind", "ticket_id", "version", "topic", "partition", "offset", "repair", "detail")


def register(group: typer.Typer) -> None:
    """Add the command."""

    @group.command()
    def verify(
        *,
        outbox_seconds: Annotated[
            int, typer.Option(min=1, max=86_400, help="For how long an event may have waited for Kafka.")
        ] = _OUTBOX_SECONDS,
        keys: Annotated[
            Path | None,
            typer.Option(help="Public keys of the log, one a line, in place of those that notes knows."),
        ] = None,
        head: Annotated[
            list[Path] | None,
            typer.Option(help="A signed head that was kept: the log still has to begin with it."),
        ] = None,
        reason: Annotated[str, typer.Option(help="Why; it is kept with your name.")] = "",
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Only say whether it could be done.")
        ] = False,
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    ) -> None:
        """Compare log, topic, read models and mails, and list what is wrong; exit code 1 if anything is.

        It goes on when this command ends; called again meanwhile, it shows how far that is.
        """
        wish = {"reason": reason, "dry_run": dry_run}
        own: dict[str, object] = {
            "outbox_seconds": outbox_seconds,
            "log_keys": [] if keys is None else _keys(keys),
            "kept_heads": [_text_of(each) for each in head or ()],
        }
        with refusing():
            found = asyncio.run(_verified(wish, own))
        if dry_run:
            print("It could be verified.", file=sys.stderr)
            return
        if as_json:
            print(json.dumps(joined(found)))
        else:
            _show(joined(found))
        if wrong := sum(each["wrong"] for each in found):
            refuse(f"{wrong} things are wrong.")


def joined(found: list[dict[str, Any]]) -> dict[str, Any]:
    """What all services found, as one document."""
    return {
        "findings": [{name: each[name] for name in _SAID} for part in found for each in part["findings"]],
        "wrong": sum(part["wrong"] for part in found),
        "compared": sum(part["done"] for part in found),
    }


async def _verified(wish: dict[str, object], of_events: dict[str, object]) -> list[dict[str, Any]]:
    async with operating(reach()) as operator:
        running = [part for part in _PARTS if await _runs(operator, part)]
        if "events" in running and _asks(of_events):
            raise StackError(_OTHERWISE)
        for part in _PARTS:
            if part not in running:
                own = of_events if part == "events" else {}
                await operator.post(f"/{part}/verify", wish | own)
        if wish["dry_run"]:
            return []
        return [
            await under_way.ended(
                operator, f"/{part}/verification", what, cancelled="The verification was cancelled."
            )
            for part, what in _PARTS.items()
        ]


async def _runs(operator: Operator, part: str) -> bool:
    """Whether a verification is under way: then it is the one to wait for."""
    known = await operator.find(f"/{part}/verification")
    return known is not None and known["state"] == "running"


def _asks(of_events: dict[str, object]) -> bool:
    """Whether something is to be verified that a verification of somebody else leaves out."""
    return bool(
        of_events["outbox_seconds"] != _OUTBOX_SECONDS or of_events["log_keys"] or of_events["kept_heads"]
    )


def _text_of(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        refuse(f"{path}: {error.strerror}")
    except UnicodeDecodeError as error:
        refuse(f"{path}: {error}")


def _keys(path: Path) -> list[str]:
    """At least one: without any, notes would take its own."""
    lines = (line.partition("#")[0].strip() for line in _text_of(path).splitlines())
    return [line for line in lines if line] or refuse(f"{path}: there is no key in it.")


def _show(found: dict[str, Any]) -> None:
    if not found["findings"]:
        print(f"Nothing is wrong: {found['compared']} compared.", file=sys.stderr)
        return
    tables.show(
        ("what", "ticket", "version", "topic", "partition", "offset", "detail", "repair"),
        (
            (
                *(each["kind"], each["ticket_id"] or "", *map(_text, (each["version"], each["topic"]))),
                *map(_text, (each["partition"], each["offset"])),
                *(json.dumps(each["detail"]) if each["detail"] else "", each["repair"] or "none needed"),
            )
            for each in found["findings"]
        ),
    )


def _text(value: object) -> str:
    return "" if value is None else str(value)
