"""Waiting for what services do with generations, with a bar on a terminal; they go on without us."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from relato.commands.bar import bar
from relato.errors import StackError
from relato.operate import Operator

Waiting = Callable[[Operator, int], Awaitable[None]]
"""Returns when what was begun with a generation has come to its end."""

_LOOK_SECONDS = 0.5


async def generations(operator: Operator) -> list[dict[str, Any]]:
    """All generations."""
    items: list[dict[str, Any]] = (await operator.get("/projections"))["items"]
    return items


async def built(operator: Operator, number: int) -> None:
    """Wait until a new generation has taken in as much as the live one."""
    with bar(f"generation {number}") as told:
        while True:
            known = {each["generation"]: each for each in await generations(operator)}
            new, live = known.get(number), next(each for each in known.values() if each["state"] == "live")
            if new is None or new["state"] in {"dropping", "paused"}:
                raise StackError(f"Generation {number} was {'paused' if new else 'removed'} meanwhile.")
            if new["state"] != "preparing" and new["behind"] is not None:
                left = new["seconds_left"]
                pace = f"{new['rate']:.0f} a second" + ("" if left is None else f", {left:.0f} s left")
                told(new["applied"], new["applied"] + new["behind"], pace)
                if new["behind"] <= (live["behind"] or 0):
                    return
            await asyncio.sleep(_LOOK_SECONDS)


async def gone(operator: Operator, number: int) -> None:
    """Wait until a generation has been removed."""
    while True:
        if all(each["generation"] != number for each in await generations(operator)):
            return
        await asyncio.sleep(_LOOK_SECONDS)


async def verified(operator: Operator, name: str) -> dict[str, Any]:
    """Wait for the end of a verification: what it has found."""
    with bar("tickets") as told:
        while True:
            found: dict[str, Any] = await operator.get(f"/projections/{name}/verification")
            told(
                found["compared"],
                max(found["total"], found["compared"]),
                f"{found['differences']} differences",
            )
            if found["state"] == "done":
                return found
            await asyncio.sleep(_LOOK_SECONDS)
