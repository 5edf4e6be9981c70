"""`relato dead-letters`: records that the services could not take in, and why."""

import asyncio
import json
from typing import Annotated, get_args

import typer

from relato import dead_letters
from relato.commands import tables
from relato.commands.outcome import refuse, refusing
from relato.connected import connected
from relato.dead_letters import DeadLetter, WholeDeadLetter
from relato.reach import DatabaseName, Reach, reach

Json = Annotated[bool, typer.Option("--json", help="One JSON document.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True)
    app.add_typer(group, name="dead-letters")

    @group.callback()
    def _group() -> None:
        """Records that the services could not take in."""

    @group.command("list")
    def list_(as_json: Json = False) -> None:
        """List them, oldest first."""
        with refusing():
            letters = asyncio.run(_all(reach()))
        if as_json:
            print(json.dumps(letters, ensure_ascii=False))
        else:
            _show(letters)

    @group.command()
    def show(
        id_: Annotated[str, typer.Argument(metavar="ID", help="As the list gives it.")],
        as_json: Json = False,
    ) -> None:
        """Show one with what was in it."""
        with refusing():
            letter = asyncio.run(_one(reach(), id_))
        if letter is None:
            refuse(f"There is no dead letter {id_}.")
        if as_json:
            print(json.dumps(letter, ensure_ascii=False))
            return
        for name, value in letter.items():
            if name == "headers":
                for header, text in letter["headers"]:
                    print(f"{'header':<12} {header}: {text}")
            elif value is not None:
                print(f"{name:<12} {value}")


async def _all(reach: Reach) -> list[DeadLetter]:
    letters: list[DeadLetter] = []
    for name in get_args(DatabaseName):
        async with connected(reach, name) as connection:
            letters += await dead_letters.listing(connection)
    return sorted(letters, key=lambda letter: letter["at"])


async def _one(reach: Reach, letter_id: str) -> WholeDeadLetter | None:
    for name in get_args(DatabaseName):
        async with connected(reach, name) as connection:
            letter = await dead_letters.one(connection, letter_id)
        if letter is not None:
            return letter
    return None


def _show(letters: list[DeadLetter]) -> None:
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
