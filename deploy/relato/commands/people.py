"""`relato people`: what is held of a person, and erasing them."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from urllib.parse import quote

import typer

from relato.commands import tables, under_way
from relato.commands.bar import bar
from relato.commands.confirm import confirm
from relato.commands.held import SERVICES, left_over, remarks, said_since, through, troubles
from relato.commands.outcome import refuse, refusing
from relato.operate import Operator, operating
from relato.reach import reach

_LOOK_SECONDS = 2.0
_SINCE = "{number} facts were said on their tickets since; erasing them once more takes those, too."

Person = Annotated[str, typer.Argument(help="Their person_id.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True)
    app.add_typer(group, name="people")

    @group.callback()
    def _group() -> None:
        """People: what is held of them, and erasing them."""

    @group.command()
    def held(person: Person, as_json: Json = False) -> None:
        """Say how much is held of a person, by service, table and topic; nothing of what it says."""
        with refusing():
            found = asyncio.run(_found(person))
        _show(found, as_json=as_json)
        for line in remarks(found):
            print(line, file=sys.stderr)

    @group.command()
    def erase(
        person: Person,
        *,
        reason: Annotated[str, typer.Option(help="Why; it is kept with your name: do not name them.")],
        rate: Annotated[int, typer.Option(min=1, max=100_000, help="Facts a second, at most.")] = 2_000,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
        yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
        detach: Annotated[bool, typer.Option("--detach", help="Do not wait for its end.")] = False,
        as_json: Json = False,
    ) -> None:
        """Erase a person for good: name, addresses, what they wrote, what was written on their tickets.

        Tickets, times and counts stay, and so do the proofs of their histories.
        """
        wish = {"person_id": person, "reason": reason, "rate": rate}
        stays: float | None = None
        with refusing():
            found = asyncio.run(_asked(wish))
            if not dry_run:
                if not as_json:
                    _show(found, as_json=False)
                confirm(f"Erase {person}? Nobody can bring it back.", yes=yes)
                found, stays = asyncio.run(_erased(wish, wait=not detach))
        _show(found, as_json=as_json)
        if not dry_run and not detach:
            for line in remarks(found):
                print(line, file=sys.stderr)
            if left_over(found):
                refuse("Not everything has gone. Erasing them once more goes through all of it again.")
            print(f"{person} is erased. {under_way.files(stays)}", file=sys.stderr)
            if since := said_since(found):
                print(_SINCE.format(number=since), file=sys.stderr)


async def _asked(wish: dict[str, Any]) -> dict[str, Any]:
    """What would go, once notes has said that it could be done."""
    async with operating(reach()) as operator:
        await operator.post("/people/erase", wish | {"dry_run": True})
        return await _holdings(operator.get, wish["person_id"])


async def _found(person_id: str) -> dict[str, Any]:
    async with operating(reach()) as operator:
        return await _holdings(operator.get, person_id)


async def _erased(wish: dict[str, Any], *, wait: bool) -> tuple[dict[str, Any], float | None]:
    """Have it done; wait for notes, and then for the others, who hear of it by its facts.

    Returns what is left, and for how many seconds brokers keep files of what was cut off.
    """
    async with operating(reach()) as operator:
        job = (await operator.post("/people/erase", wish))["job"]
        if not wait:
            return await _holdings(operator.follow, wish["person_id"]), None
        known = await under_way.ended(
            operator,
            "/people/erasure",
            "facts",
            cancelled="It was cancelled; what has gone has gone.",
            job=job,
        )
        return await _followed(operator, wish["person_id"]), known["files_seconds"]


async def _followed(operator: Operator, person_id: str) -> dict[str, Any]:
    """What is left once every service is through; what keeps one from that is told, once each time."""
    with bar("rows and records") as told:
        before, trouble = 0, ""
        while not through(held := await _holdings(operator.follow, person_id)):
            left = left_over(held)
            before = max(before, left)
            told(before - left, before, "services follow" if left else "files are written anew")
            if (now := " ".join(troubles(held))) not in ("", trouble):
                print(now, file=sys.stderr)
            trouble = now
            await asyncio.sleep(_LOOK_SECONDS)
    return held


async def _holdings(ask: Callable[[str], Awaitable[Any]], person_id: str) -> dict[str, Any]:
    answers = await asyncio.gather(*(ask(f"/holdings/{service}/{quote(person_id)}") for service in SERVICES))
    items = [{"service": each["service"], **item} for each in answers for item in each["items"]]
    forgetting = {each["service"]: each["forgetting"] for each in answers}
    return {"person_id": person_id, "items": items, "forgetting": forgetting}


def _show(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(found))
        return
    tables.show(
        ("service", "where", "name", "number"),
        (
            (each["service"], each["kind"], each["name"], str(each["number"]))
            for each in found["items"]
            if each["number"]
        ),
    )
