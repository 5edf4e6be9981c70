"""`relato projections`: the generations of the read models, and what operators do with them."""

import asyncio
import json
import sys
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from relato.commands import rebuilding, tables
from relato.commands.confirm import confirm
from relato.commands.outcome import refuse, refusing
from relato.operate import Operator, operating
from relato.reach import reach

_SHOWN = ("projection", "generation", "state", "applied", "behind", "rate")

Name = Annotated[str, typer.Argument(help="The projection: history.")]
Number = Annotated[int | None, typer.Argument(help="The generation; not needed where only one can be meant.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept with your name.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say whether it could be done.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Detach = Annotated[bool, typer.Option("--detach", help="Do not wait for its end.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document.")]


@dataclass(frozen=True, slots=True)
class _Wish:
    verb: str
    name: str
    generation: int | None
    reason: str
    dry_run: bool
    as_json: bool

    async def asked(self, operator: Operator, *, dry_run: bool) -> dict[str, Any]:
        """Have it done, or only tried: what the service says."""
        wish = {"generation": self.generation, "reason": self.reason, "dry_run": dry_run}
        answer: dict[str, Any] = await operator.post(f"/projections/{self.name}/{self.verb}", wish)
        return answer


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True)
    app.add_typer(group, name="projections")

    @group.callback()
    def _group() -> None:
        """Read models: which generations there are; rebuild, compare and switch them."""

    @group.command("list")
    def list_(as_json: Json = False) -> None:
        """List the generations, which of them is live, and how far behind each is."""
        with refusing():
            projections = asyncio.run(_listed())
        if as_json:
            print(json.dumps([{name: each[name] for name in _SHOWN} for each in projections]))
        else:
            _show(projections)

    @group.command()
    def rebuild(
        name: Name, generation: Number = None, *, reason: Reason = "", dry_run: DryRun = False,
        yes: Yes = False, detach: Detach = False, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Build a new generation beside the live one, and show how far it is; it goes on by itself."""
        del yes  # nothing is lost by it, so nothing is asked
        wish = _Wish("rebuild", name, generation, reason, dry_run, as_json)
        _act(wish, waiting=None if detach else rebuilding.built)

    @group.command()
    def verify(
        name: Name,
        generation: Number = None,
        *,
        reason: Reason = "",
        dry_run: DryRun = False,
        as_json: Json = False,
    ) -> None:
        """Compare a generation with the live one and list every difference; exit code 1 if there is one."""
        wish = _Wish("verify", name, generation, reason, dry_run, as_json)
        if dry_run:
            _act(wish)
            return
        with refusing():
            found = asyncio.run(_verified(wish))
        if as_json:
            print(json.dumps(found))
        else:
            _show_findings(found)
        if found["differences"]:
            refuse(f"{found['differences']} differences in {found['compared']} tickets.")

    @group.command()
    def switch(
        name: Name, generation: Number = None, *, reason: Reason = "", dry_run: DryRun = False,
        yes: Yes = False, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Let everybody read the new generation; the one before goes on, so that there is a way back."""
        _act(
            _Wish("switch", name, generation, reason, dry_run, as_json),
            "Show generation {} to everybody?",
            yes,
        )

    @group.command()
    def rollback(
        name: Name, generation: Number = None, *, reason: Reason = "", dry_run: DryRun = False,
        yes: Yes = False, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Let everybody read the generation before again."""
        _act(_Wish("rollback", name, generation, reason, dry_run, as_json), "Go back to generation {}?", yes)

    _add_to_watching(group)
    _add_to_building(group)


def _add_to_watching(group: typer.Typer) -> None:
    """What shows how far something is that was begun, or ends it."""

    @group.command()
    def follow(name: Name, generation: Number = None) -> None:
        """Show how far a rebuild is, until it has taken in as much as the live generation."""

        async def followed() -> int:
            async with operating(reach()) as operator:
                number = await rebuilding.meant(operator, generation)
                await rebuilding.built(operator, number)
                return number

        with refusing():
            _known(name)
            number = asyncio.run(followed())
        print(f"Generation {number} is level.", file=sys.stderr)

    @group.command("cancel-verify")
    def cancel_verify(
        name: Name, *, reason: Reason = "", dry_run: DryRun = False, as_json: Json = False
    ) -> None:
        """End the comparison that is under way; what it has found can be read."""

        async def cancelled() -> dict[str, Any]:
            async with operating(reach()) as operator:
                wish = {"reason": reason, "dry_run": dry_run}
                said: dict[str, Any] = await operator.post(f"/projections/{name}/verification/cancel", wish)
                return said

        with refusing():
            _known(name)
            said = asyncio.run(cancelled())
        if as_json:
            print(json.dumps(said))
        elif dry_run:
            print("It could be done.", file=sys.stderr)
        else:
            print("Cancelled." if said["generation"] else "Nothing was under way.", file=sys.stderr)


def _add_to_building(group: typer.Typer) -> None:
    """What can be done with a generation that is not live."""

    @group.command()
    def pause(
        name: Name,
        generation: Number = None,
        *,
        reason: Reason = "",
        dry_run: DryRun = False,
        as_json: Json = False,
    ) -> None:
        """Let a generation that is not live take in nothing for now."""
        _act(_Wish("pause", name, generation, reason, dry_run, as_json))

    @group.command()
    def resume(
        name: Name,
        generation: Number = None,
        *,
        reason: Reason = "",
        dry_run: DryRun = False,
        as_json: Json = False,
    ) -> None:
        """Let a paused generation go on where it was."""
        _act(_Wish("resume", name, generation, reason, dry_run, as_json))

    @group.command()
    def cancel(
        name: Name, generation: Number = None, *, reason: Reason = "", dry_run: DryRun = False,
        yes: Yes = False, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Give a rebuild up, and remove what it has made."""
        wish = _Wish("cancel", name, generation, reason, dry_run, as_json)
        _act(wish, "Remove generation {}, which is being built?", yes, rebuilding.gone)

    @group.command()
    def drop(
        name: Name, generation: Number = None, *, reason: Reason = "", dry_run: DryRun = False,
        yes: Yes = False, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Remove a generation that is not live; there is no way back to it then."""
        wish = _Wish("drop", name, generation, reason, dry_run, as_json)
        _act(wish, "Remove generation {} for good?", yes, rebuilding.gone)


def _act(
    wish: _Wish, question: str = "", yes: bool = True, waiting: rebuilding.Waiting | None = None
) -> None:
    """See whether it can be done, ask, do it, wait for its end, and say what was done."""
    with refusing():
        _known(wish.name)
        if wish.dry_run or not yes:
            said = asyncio.run(_asked(wish, dry_run=True, waiting=None))
        if not wish.dry_run:
            if not yes:
                confirm(_compared(said) + question.format(said["generation"]), yes=False)
            said = asyncio.run(_asked(wish, dry_run=False, waiting=waiting))
    if wish.as_json:
        print(json.dumps(said))
    else:
        words = "could be done" if wish.dry_run else "done"
        of = "" if said["generation"] is None else f" with generation {said['generation']}"
        print(f"{_compared(said)}{wish.verb} of {wish.name}: {words}{of}.", file=sys.stderr)


def _compared(said: dict[str, Any]) -> str:
    """What is to be known about two generations before the one is shown instead of the other."""
    if said["action"] not in {"switch", "rollback"}:
        return ""
    if said["compared_at"] is None:
        return "The two generations were never compared. "
    return f"Compared at {said['compared_at']}: {said['differences']} differences. "


async def _asked(wish: _Wish, *, dry_run: bool, waiting: rebuilding.Waiting | None) -> dict[str, Any]:
    async with operating(reach()) as operator:
        said = await wish.asked(operator, dry_run=dry_run)
        if waiting is not None:
            await waiting(operator, said["generation"])
        return said


async def _listed() -> list[dict[str, Any]]:
    async with operating(reach()) as operator:
        return await rebuilding.generations(operator.get)


async def _verified(wish: _Wish) -> dict[str, Any]:
    _known(wish.name)
    async with operating(reach()) as operator:
        await wish.asked(operator, dry_run=False)
        return await rebuilding.verified(operator, wish.name)


def _known(name: str) -> None:
    if name != "history":
        refuse(f"There is no projection {name!r}; there is history.")


def _show(projections: list[dict[str, Any]]) -> None:
    tables.show(
        ("projection", "generation", "state", "applied", "behind", "a second", "seconds left"),
        (
            (
                *(each["projection"], str(each["generation"]), each["state"], str(each["applied"])),
                *("unknown" if each["behind"] is None else str(each["behind"]), str(each["rate"])),
                "" if each["seconds_left"] is None else str(each["seconds_left"]),
            )
            for each in projections
        ),
    )


def _show_findings(found: dict[str, Any]) -> None:
    if not found["findings"]:
        print(
            f"Generation {found['generation']} is the same as {found['against']}:"
            f" {found['compared']} tickets compared.",
            file=sys.stderr,
        )
        return
    tables.show(
        ("ticket", "what", "table", "key", "columns"),
        (
            (
                *(each["ticket_id"], each["kind"], each["part"] or ""),
                *("" if each["key"] is None else json.dumps(each["key"]), ", ".join(each["columns"])),
            )
            for each in found["findings"]
        ),
    )
