"""`relato dead-letters`: records that the services could not take in, and what operators do with them."""

import asyncio
import json
import sys
from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

import typer
from relato_runtime.letters import State

from relato.commands import tables
from relato.commands.batches import Ask, BrokeOff, done_with_all
from relato.commands.confirm import confirm
from relato.commands.outcome import refuse, refusing
from relato.errors import StackError
from relato.operate import Operator, operating
from relato.reach import reach

SERVICES = ("notes", "notifier", "history-projector")
_SHOWN = ("id", "consumer", "topic", "partition", "offset", "key", "reason", "error", "state", "at")

Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="As the list gives them.")]
Because = Annotated[str | None, typer.Option(help="Those alone that are there for this reason (its code).")]
Consumer = Annotated[str | None, typer.Option(help="Those of this consumer alone.")]
All = Annotated[bool, typer.Option("--all", help="All that are parked.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept with your name.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would become of each.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document.")]


@dataclass(frozen=True, slots=True)
class _Wish:
    action: str
    ids: list[str]
    because: str | None
    consumer: str | None
    everything: bool
    reason: str

    def services(self) -> list[str]:
        """Who has what is meant."""
        if self.ids:
            return sorted({_service(each) for each in self.ids})
        return [_service(f"{self.consumer}-0")] if self.consumer else list(SERVICES)

    async def done(self, operator: Operator, *, dry_run: bool) -> list[dict[str, Any]]:
        """Ask each service until nothing is left: what became of each dead letter."""
        return await done_with_all(operator, *map(self._ask, self.services()), dry_run=dry_run)

    def _ask(self, service: str) -> Ask:
        given: dict[str, object] = {"reason": self.reason, "all": self.everything}
        given |= {"because": self.because, "consumer": self.consumer}
        if self.ids:
            given["ids"] = [each for each in self.ids if _service(each) == service]
        return Ask(f"/dead-letters/{service}/{self.action}", given, f"dead letters of {service}")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True)
    app.add_typer(group, name="dead-letters")

    @group.callback()
    def _group() -> None:
        """Records that the services could not take in: list, show, retry, discard."""

    @group.command("list")
    def list_(
        because: Annotated[str | None, typer.Option("--because", "--reason", help="Of this reason.")] = None,
        consumer: Consumer = None,
        state: Annotated[State | None, typer.Option(help="In this state alone.")] = None,
        as_json: Json = False,
    ) -> None:
        """List them, oldest first, with how many there are for each reason."""
        query = {"because": because, "consumer": consumer, "state": state}
        with refusing():
            letters = asyncio.run(_listed({name: each for name, each in query.items() if each is not None}))
        if as_json:
            print(json.dumps([{name: each[name] for name in _SHOWN} for each in letters], ensure_ascii=False))
        else:
            _show(letters)

    @group.command()
    def show(
        id_: Annotated[str, typer.Argument(metavar="ID", help="As the list gives it.")],
        as_json: Json = False,
    ) -> None:
        """Show one with what is in it."""
        with refusing():
            letter = asyncio.run(_one(id_))
        if as_json:
            print(json.dumps(letter, ensure_ascii=False))
            return
        for name, value in letter.items():
            if name == "headers":
                for header, text in value:
                    print(f"{'header':<12} {header}: {text}")
            elif name == "data" and value is not None:
                print(json.dumps(value, ensure_ascii=False, indent=2))
            elif value is not None and not (name == "value" and letter["data"] is not None):
                print(f"{name:<12} {value}")

    @group.command()
    def retry(
        ids: Ids = None, *, because: Because = None, consumer: Consumer = None, everything: All = False,
        reason: Reason = "", dry_run: DryRun = False, yes: Yes = False, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Have the consumers that could not take them in try again, in order; no other consumer sees them."""
        del yes  # nothing is lost by it, so nothing is asked
        _act(_Wish("retry", ids or [], because, consumer, everything, reason), dry_run, True, as_json)

    @group.command()
    def discard(
        ids: Ids = None, *, because: Because = None, consumer: Consumer = None, everything: All = False,
        reason: Annotated[str, typer.Option(help="Why; it is kept with your name.")],
        dry_run: DryRun = False, yes: Yes = False, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Give them up for a reason: they stay in the list, and are never taken in."""
        _act(_Wish("discard", ids or [], because, consumer, everything, reason), dry_run, yes, as_json)


def _act(wish: _Wish, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Try it, ask, do it, and say what became of each; exit code 1 where not all were settled."""
    broke_off: str | None = None
    with refusing():
        try:
            done = _decided(wish, dry_run=dry_run, yes=yes)
        except BrokeOff as error:
            done, broke_off = error.done, str(error)
    if as_json:
        document = {"action": wish.action, "items": done, "dry_run": dry_run, "broke_off": broke_off}
        print(json.dumps(document, ensure_ascii=False))
    else:
        rows = ((each["id"], each["outcome"], each["detail"]) for each in done)
        tables.show(("id", "would be" if dry_run else "is", "why"), rows)
    if broke_off is not None:
        refuse(broke_off)
    open_ones = [each for each in done if each["outcome"] not in {"taken-in", "discarded", "settled"}]
    if open_ones and not dry_run:
        refuse(f"{len(open_ones)} of {len(done)} are still there.")


def _decided(wish: _Wish, *, dry_run: bool, yes: bool) -> list[dict[str, Any]]:
    if dry_run or not yes:
        would = asyncio.run(_asked(wish, dry_run=True))
        if dry_run or not would:
            return would
        confirm(f"{wish.action} {len(would)} dead letters?", yes=False)
    return asyncio.run(_asked(wish, dry_run=False))


async def _asked(wish: _Wish, *, dry_run: bool) -> list[dict[str, Any]]:
    async with operating(reach()) as operator:
        return await wish.done(operator, dry_run=dry_run)


async def _listed(query: dict[str, str]) -> list[dict[str, Any]]:
    letters: list[dict[str, Any]] = []
    given = "".join(f"&{name}={quote(each, safe='')}" for name, each in query.items())
    async with operating(reach()) as operator:
        for service in SERVICES:
            after: int | None = 0
            while after is not None:
                page = await operator.get(f"/dead-letters/{service}?after={after}{given}")
                letters += page["items"]
                after = page["next_after"]
    return sorted(letters, key=lambda letter: str(letter["at"]))


async def _one(letter_id: str) -> dict[str, Any]:
    service = _service(letter_id)
    async with operating(reach()) as operator:
        found: dict[str, Any] = await operator.get(f"/dead-letters/{service}/{quote(letter_id)}")
        return found


def _service(letter_id: str) -> str:
    """Whose a dead letter is: its id begins with its consumer's name."""
    consumer = letter_id.rpartition("-")[0]
    known = {"notifier": "notifier", "notes-reference": "notes", "history-reference": "history-projector"}
    service = "history-projector" if consumer.startswith("history/") else known.get(consumer)
    if service is None:
        raise StackError(f"There is no dead letter {letter_id}.")
    return service


def _show(letters: list[dict[str, Any]]) -> None:
    tables.show(
        ("id", "topic", "partition", "offset", "key", "reason", "state", "at"),
        (
            (
                *(letter["id"], letter["topic"], str(letter["partition"]), str(letter["offset"])),
                *(letter["key"] or "", letter["reason"], letter["state"], letter["at"]),
            )
            for letter in letters
        ),
    )
    for (reason, state), number in sorted(Counter((x["reason"], x["state"]) for x in letters).items()):
        print(f"{number} {state}: {reason}", file=sys.stderr)
