"""Waiting for what services do with generations, with a bar on a terminal; they go on without us."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from relato.commands import under_way
from relato.commands.bar import bar
from relato.errors import StackError
from relato.operate import Operator

Waiting = Callable[[Operator, int], Awaitable[None]]
"""Returns when what was begun with a generation has come to its end."""

_LOOK_SECONDS = 0.5


async def generations(ask: Callable[[str], Awaitable[Any]]) -> list[dict[str, Any]]:
    """All generations, asked for once (``operator.get``) or while something is waited for (``follow``)."""
    items: list[dict[str, Any]] = (await ask("/projections"))["items"]
    return items


async def built(operator: Operator, number: int) -> None:
    """Wait until a new generation has taken in as much as the live one."""
    with bar(f"generation {number}") as told:
        while True:
            known = {each["generation"]: each for each in await generations(operator.follow)}
            new, live = known.get(number), next(each for each in known.values() if each["state"] == "live")
            if new is None or new["state"] in {"dropping", "paused"}:
                raise StackError(f"Generation {number} was {'paused' if new else 'removed'} meanwhile.")
            if new["state"] != "preparing" and new["behind"] is not None:
                pace = f"{new['rate']:.0f} a second{under_way.left(new)}"
                told(new["applied"], new["applied"] + new["behind"], pace)
                if new["behind"] <= (live["behind"] or 0):
                    return
            await asyncio.sleep(_LOOK_SECONDS)


async def gone(operator: Operator, number: int) -> None:
    """Wait until a generation has been removed."""
    while True:
        if all(each["generation"] != number for each in await generations(operator.follow)):
            return
        await asyncio.sleep(_LOOK_SECONDS)


async def verified(operator: Operator, name: str) -> dict[str, Any]:
    """Wait for the end of a verification: what it has found."""
    path = f"/projections/{name}/verification"
    with bar("tickets") as told:
        while True:
            found: dict[str, Any] = await operator.follow(path)
            told(
                found["compared"],
                max(found["total"], found["compared"]),
                f"{found['differences']} differences{under_way.left(found)}",
            )
            if found["state"] == "cancelled":
                raise StackError("The comparison was cancelled.")
            if found["state"] == "done":
                return await under_way.whole(operator, path, found)
            await asyncio.sleep(_LOOK_SECONDS)


async def meant(operator: Operator, generation: int | None) -> int:
    """The generation that is built, by its number or as the only one."""
    for each in await generations(operator.get):
        if each["state"] in {"preparing", "building"} and generation in {None, each["generation"]}:
            number: int = each["generation"]
            return number
    raise StackError("No such generation is being built.")
