"""Commands over many: what was done is told, also where a service refuses to go on."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import typer
from fastapi import FastAPI, HTTPException
from relato.commands import dead_letters, emails

from tests.support.serving import serving

AT_ONCE = 200
WHY = "Its consumer is busy."


@pytest.fixture
async def busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[str]]:
    """What is asked of services that are busy after a first answer; only notes is through with that."""
    asked: list[str] = []
    app = FastAPI()

    @app.post("/api/operate/{path:path}")
    async def act(path: str, wish: dict[str, Any]) -> dict[str, Any]:
        asked.append(path)
        if wish["after"] is not None:
            raise HTTPException(409, WHY)
        mail = {"recipient": "ana@example.org", "ticket_id": "1001", "state": "suppressed"}
        item = {"outcome": "discarded", "detail": "", "mail": mail}
        items = [{"id": f"{path}-{number}", "mail_id": str(number), **item} for number in range(AT_ONCE)]
        through = "notes" in path
        return {"items": items, "left": 0 if through else 300, "next_after": None if through else "200"}

    async with serving(app) as address:
        monkeypatch.setenv("RELATO_PUBLIC_URL", address)
        monkeypatch.setenv("RELATO_TOKEN", "t")
        monkeypatch.setenv("RELATO_HOME", str(tmp_path))
        yield asked


def junk(consumer: str | None = None) -> dead_letters._Wish:
    return dead_letters._Wish("discard", [], None, consumer, True, "junk")


@pytest.mark.usefixtures("busy")
async def test_dead_letters_that_were_settled_before_it_broke_off_are_listed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(typer.Exit):
        await asyncio.to_thread(dead_letters._act, junk("notifier"), False, True, False)
    said = capsys.readouterr()
    assert said.out.count(" discarded") == AT_ONCE
    assert said.err == f"It broke off after {AT_ONCE}: {WHY}\n"


async def test_those_of_the_services_before_are_told_too_and_those_behind_are_not_asked(
    busy: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit):
        await asyncio.to_thread(dead_letters._act, junk(), False, True, True)
    assert busy == [f"dead-letters/{each}/discard" for each in ("notes", "notifier", "notifier")]
    told = json.loads(capsys.readouterr().out)
    assert (len(told["items"]), told["dry_run"]) == (2 * AT_ONCE, False)
    assert told["broke_off"] == f"It broke off after {2 * AT_ONCE}: {WHY}"


@pytest.mark.usefixtures("busy")
async def test_mails_that_were_decided_about_before_it_broke_off_are_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    wish = emails._Wish("drop", [], None, None, True, "enough")
    with pytest.raises(typer.Exit):
        await asyncio.to_thread(emails._decide, wish, False, True, False)
    told = capsys.readouterr().err.splitlines()
    assert told[:-1] == ["The mail to ana@example.org is suppressed now."] * AT_ONCE
    assert told[-1] == f"It broke off after {AT_ONCE}: {WHY}"


@pytest.mark.usefixtures("busy")
async def test_a_dry_run_that_breaks_off_has_done_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        await asyncio.to_thread(dead_letters._act, junk("notifier"), True, True, False)
    assert capsys.readouterr() == ("", f"{WHY}\n")
