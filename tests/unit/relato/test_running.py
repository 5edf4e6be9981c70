"""`relato events follow`, `cancel` and `verify`: whatever is under way on events, at whichever service."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import typer
from fastapi import FastAPI, HTTPException
from relato import operate
from relato.commands import running, under_way, verifying
from relato.errors import StackError
from relato.operate import Operator, operating
from relato.reach import reach

from tests.support.reaching import reaching
from tests.support.serving import serving


@pytest.fixture
async def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[dict[str, dict[str, Any]]]:
    """The latest job at each address, as services that the command is led to say it."""
    known: dict[str, dict[str, Any]] = {}
    app = FastAPI()

    @app.get("/api/operate/{path:path}")
    async def latest(path: str) -> dict[str, Any]:
        if path not in known:
            raise HTTPException(404)
        job = known[path]
        if job["away"]:
            job["away"] -= 1
            raise HTTPException(503)
        if job["done"] < job["total"] and job["state"] == "running":
            job["done"] += 1
        elif job["state"] == "running":
            job["state"] = "done"
        if job["done"] == job["cancelled_at"]:
            job["state"] = "cancelled"
        return {"rate": 1.0, "seconds_left": 1.0, "trouble": None, "findings": [], "next_after": None} | job

    @app.post("/api/operate/{path:path}/cancel")
    async def cancel(path: str, wish: dict[str, Any]) -> dict[str, Any]:
        for each, job in known.items():
            if each.startswith(path) and not wish["dry_run"]:
                job["state"] = "cancelled"
        return {"action": "cancel", "job": 1, "dry_run": wish["dry_run"]}

    async with serving(app) as address:
        monkeypatch.setenv("RELATO_PUBLIC_URL", address)
        monkeypatch.setenv("RELATO_TOKEN", "t")
        monkeypatch.setenv("RELATO_HOME", str(tmp_path))
        yield known


def job(
    state: str = "running",
    *,
    done: int = 0,
    total: int = 100,
    cancelled_at: int | None = None,
    away: int = 0,
) -> dict[str, Any]:
    """``away`` is how often its service does not answer before it is back."""
    return {
        "id": 1,
        "state": state,
        "done": done,
        "total": total,
        "cancelled_at": cancelled_at,
        "away": away,
    }


async def test_everything_that_runs_is_ended_and_nothing_else(jobs: dict[str, dict[str, Any]]) -> None:
    jobs |= {
        "events/republication": job(),
        "events/verification": job("done"),
        "projections/history/fold/verification": job(),
    }
    wish = {"reason": "enough", "dry_run": True}
    assert await running._cancelled(wish) == ["republish", "read models"]
    assert jobs["events/republication"]["state"] == "running"
    assert await running._cancelled(wish | {"dry_run": False}) == ["republish", "read models"]
    assert jobs["projections/history/fold/verification"]["state"] == "cancelled"
    assert await running._cancelled(wish) == []


async def test_what_runs_is_followed_to_its_end(jobs: dict[str, dict[str, Any]]) -> None:
    jobs["events/adoption"] = job(total=2)
    assert await running._followed() == ["adopt"]
    assert jobs["events/adoption"]["state"] == "done"
    assert await running._followed() == []
    jobs["events/adoption"] = job(cancelled_at=3)
    with pytest.raises(typer.Exit):
        await running._followed()


async def test_what_runs_is_followed_over_a_restart_of_its_service(
    jobs: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs["people/erasure"] = job(total=2, away=2)
    async with operating(reach()) as operator:
        with pytest.raises(StackError, match="Service Unavailable"):
            await operator.get("/people/erasure")
        known = await under_way.ended(operator, "/people/erasure", "facts", cancelled="It was cancelled.")
        assert known["done"] == 2
        monkeypatch.setattr(operate, "_BACK_SECONDS", 0.1)
        jobs["people/erasure"] = job(away=1000)
        with pytest.raises(StackError, match="Service Unavailable"):
            await operator.follow("/people/erasure")


async def test_what_runs_is_followed_over_a_restart_of_the_front_door(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[bytes] = []

    async def door(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        if len(asked) > 1:  # the first time it goes away before it has answered
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        writer.close()

    server = await asyncio.start_server(door, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, reaching(address) as client:
        assert await Operator(client).follow("/people/erasure") == {}
    assert len(asked) == 2
    monkeypatch.setattr(operate, "_BACK_SECONDS", 0.1)
    async with reaching(address) as client:
        with pytest.raises(StackError, match="does not answer"):
            await Operator(client).follow("/people/erasure")


@pytest.mark.parametrize(
    "asked", [{"kept_heads": ["relato\n9\n"]}, {"log_keys": ["relato+00000000+AQ"]}, {"outbox_seconds": 5}]
)
async def test_a_verification_that_was_not_asked_the_same_answers_nothing(
    jobs: dict[str, dict[str, Any]], asked: dict[str, object]
) -> None:
    jobs |= {f"{part}/verification": job(done=98) for part in verifying._PARTS}
    unasked: dict[str, object] = {"outbox_seconds": 60, "log_keys": [], "kept_heads": []}
    with pytest.raises(StackError, match="not asked this"):
        await verifying._verified({"dry_run": False}, unasked | asked)
    assert {each["done"] for each in await verifying._verified({"dry_run": False}, unasked)} == {100}


def test_a_file_of_keys_without_any_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With none, notes would take the keys that it knows."""
    (tmp_path / "keys.txt").write_text("# none yet\n")
    with pytest.raises(typer.Exit):
        verifying._keys(tmp_path / "keys.txt")
    with pytest.raises(typer.Exit):
        verifying._keys(tmp_path / "away.txt")
    assert capsys.readouterr().err.splitlines() == [
        f"{tmp_path / 'keys.txt'}: there is no key in it.",
        f"{tmp_path / 'away.txt'}: No such file or directory",
    ]
