"""`relato events export` and `import`: the whole log, or one ticket's, as CloudEvents in JSON, one a line."""

import asyncio
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from notes.operating.exporting import EVENTS

from relato.commands import under_way
from relato.commands.bar import bar
from relato.commands.confirm import confirm
from relato.commands.outcome import refuse, refusing
from relato.operate import operating
from relato.reach import reach

_PIECE_CHARACTERS = 300_000
_PIECE_LINES = 2_000


def register(group: typer.Typer) -> None:
    """Add the commands."""

    @group.command()
    def export(
        *,
        ticket: Annotated[str | None, typer.Option(help="Of this ticket alone.")] = None,
        proof: Annotated[
            bool, typer.Option("--proof", help="With what proves it; contracts/verify_export.py checks that.")
        ] = False,
        output: Annotated[Path | None, typer.Option(help="A file instead of standard output.")] = None,
        reason: Annotated[str, typer.Option(help="Why; it is kept with your name.")] = "",
        _as_json: Annotated[bool, typer.Option("--json", help="Each line is JSON anyway.")] = False,
    ) -> None:
        """Print the log in the order of tickets and versions, with the idempotency keys that it came with."""
        if proof and ticket is None:
            raise typer.BadParameter("Say of which ticket.", param_hint="--ticket")
        query = {"reason": reason} | ({} if ticket is None else {"ticket_id": ticket})
        exported = _proved if proof else _exported
        with refusing():
            if output is None:
                asyncio.run(exported(query, sys.stdout.buffer.write))
                return
            # What is left of an export that broke off is not to be taken for a whole one.
            part = output.with_name(output.name + ".part")
            with part.open("wb") as file:
                asyncio.run(exported(query, file.write))
            part.replace(output)

    @group.command("import")
    def import_(
        file: Annotated[Path, typer.Argument(help="What `relato events export` has written.")],
        *,
        reason: Annotated[str, typer.Option(help="Why; it is kept with your name.")] = "",
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Only say whether it could be done.")
        ] = False,
        yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    ) -> None:
        """Fill an empty installation; each ticket comes whole or not at all, and nobody is mailed.

        What became of mails, and how tickets changed in the ITSM before, is in no export: histories lack it.
        """
        if not file.is_file():
            raise typer.BadParameter(f"There is no file {file}.", param_hint="FILE")
        with refusing():
            said = asyncio.run(_uploaded(file, reason))
            if not dry_run:
                confirm(f"{sentence(said)} Take them in?", yes=yes)
                said = asyncio.run(_taken_in(reason))
        if as_json:
            print(json.dumps(said))
        else:
            print(sentence(said), file=sys.stderr)
        if lacking := said.get("not_imported"):
            refuse(f"Not taken in: {', '.join(lacking)}.")


def pieces(lines: Iterable[str]) -> Iterator[list[str]]:
    """Lines in pieces that fit into a request."""
    piece: list[str] = []
    size = 0
    for line in lines:
        if piece and (size + len(line) > _PIECE_CHARACTERS or len(piece) == _PIECE_LINES):
            yield piece
            piece, size = [], 0
        piece.append(line)
        size += len(line)
    if piece:
        yield piece


async def _exported(query: Mapping[str, str], write: Any) -> None:
    async with (
        operating(reach()) as operator,
        operator.stream("/events/export", query) as (headers, pieces),
    ):
        with bar("events") as told:
            done = 0
            async for piece in pieces:
                write(piece)
                done += piece.count(b"\n")
                told(done, max(done, int(headers[EVENTS])), "")
    sys.stdout.flush()


async def _proved(query: Mapping[str, str], write: Any) -> None:
    async with operating(reach()) as operator, operator.stream("/events/proof", query) as (_, pieces):
        async for piece in pieces:
            write(piece)
    sys.stdout.flush()


async def _uploaded(file: Path, reason: str) -> dict[str, Any]:
    """Upload a file: what an import of it would do."""
    async with operating(reach()) as operator:
        with file.open(encoding="utf-8", newline="\n") as opened, bar("upload") as told:
            sent = 0
            for number, piece in enumerate(pieces(line.rstrip("\n") for line in opened if line.strip())):
                await operator.post("/events/import/lines", {"first": number == 0, "lines": piece})
                sent += len(piece)
                told(sent, sent, "")
        said: dict[str, Any] = await operator.post("/events/import", {"reason": reason, "dry_run": True})
        return said


async def _taken_in(reason: str) -> dict[str, Any]:
    async with operating(reach()) as operator:
        said: dict[str, Any] = await operator.post("/events/import", {"reason": reason})
        found = await under_way.ended(
            operator,
            "/events/importation",
            "events",
            cancelled="It was cancelled; what was taken in stays.",
            job=said["job"],
        )
        return said | {"not_imported": [each["ticket_id"] for each in found["findings"]]}


def sentence(said: Mapping[str, Any]) -> str:
    """Pure: what an import does, and what it does not bring."""
    return (
        f"{said['events']} events of {said['tickets']} tickets; {said['mails']} mails will be sent. "
        "What became of mails before, and how tickets changed in the ITSM, does not come with them."
    )
