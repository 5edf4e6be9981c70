"""`relato history`: what stood on a ticket at a moment, or what its requester could see then."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

import typer
from notes import text

from relato.commands import moments, tables
from relato.commands.outcome import refusing
from relato.operate import operating
from relato.reach import reach


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def history(
        ticket: Annotated[str, typer.Argument(metavar="TICKET", help="Its id.")],
        as_of: Annotated[
            str | None, typer.Option(help="As it stood then (RFC 3339); without an offset, UTC.")
        ] = None,
        requester: Annotated[bool, typer.Option("--requester", help="What they could see, alone.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    ) -> None:
        """Say what stood on a ticket, now or at a moment, newest first; or what its requester could see."""
        # One moment for all pages.
        moment = datetime.now(UTC).isoformat() if as_of is None else moments.read("--as-of", as_of, UTC)
        with refusing():
            entries = asyncio.run(_entries(ticket, moment, "requester" if requester else "everybody"))
        if as_json:
            print(json.dumps(entries, ensure_ascii=False))
        else:
            _show(entries, to_requester=requester)


async def _entries(ticket: str, moment: str, seen_by: str) -> list[dict[str, Any]]:
    query = {"as_of": moment, "seen_by": seen_by}
    entries: list[dict[str, Any]] = []
    async with operating(reach()) as operator:
        while True:
            page = await operator.get(f"/histories/{ticket}?{urlencode(query)}")
            entries += page["items"]
            if page["next_cursor"] is None:
                return entries
            query["cursor"] = page["next_cursor"]


def _show(entries: list[dict[str, Any]], *, to_requester: bool) -> None:
    tables.show(
        ("version", "recorded", "author", "what", "seen by", "text"),
        (
            (
                *(str(each["version"]), each["recorded_at"], each.get("author", {}).get("name", "")),
                *(
                    each.get("action", each["kind"]),
                    "requester" if to_requester else _audience(each),
                    text.read(each.get("description_html", "")).plain,
                ),
            )
            for each in entries
        ),
    )


def _audience(entry: dict[str, Any]) -> str:
    if entry.get("retracted"):
        return "nobody (retracted)"
    if entry["kind"] in {"message", "chat"} or entry.get("visible_to_requester"):
        return "requester"
    return "team"
