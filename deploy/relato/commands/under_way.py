"""Waiting for jobs of services, with a bar on a terminal; they go on without us."""

import asyncio
from math import ceil
from typing import Any

from relato.commands.bar import bar
from relato.commands.outcome import refuse
from relato.operate import Operator

_LOOK_SECONDS = 0.5
_LONG_SECONDS = 120


async def ended(operator: Operator, path: str, what: str, *, cancelled: str, job: int | None = None) -> Any:
    """Wait for the end of the latest job at an address, or of a ``job`` there: what it came to."""
    with bar(what) as told:
        while True:
            known: dict[str, Any] = await operator.follow(path)
            told(known["done"], known["total"], _remark(known))
            if known["state"] == "cancelled" or (job is not None and known["id"] != job):
                refuse(cancelled)
            if known["state"] == "done":
                return await whole(operator, path, known)
            await asyncio.sleep(_LOOK_SECONDS)


async def whole(operator: Operator, path: str, known: dict[str, Any]) -> dict[str, Any]:
    """What was found with all of its pages."""
    page = known
    while (after := page.get("next_after")) is not None:
        page = await operator.follow(f"{path}?after={after}")
        known["findings"] += page["findings"]
    return known


def files(seconds: float | None) -> str:
    """For how long brokers keep files of what was cut off from topics: so many seconds, if they say it."""
    if seconds is None:
        return "For how long brokers keep files of what was cut off from topics, they do not say."
    within = f"{ceil(seconds)} seconds" if seconds < _LONG_SECONDS else f"{ceil(seconds / 60)} minutes"
    return f"As brokers are set up, files of what was cut off from topics are deleted within {within}."


def left(known: dict[str, Any]) -> str:
    """How long something will take, to be put behind another remark; nothing where nobody knows."""
    seconds = known["seconds_left"]
    return "" if seconds is None else f", {seconds:.0f} s left"


def _remark(known: dict[str, Any]) -> str:
    if known["trouble"]:
        return str(known["trouble"])
    wrong = f", {known['wrong']} wrong" if known.get("wrong") else ""
    return f"{known['rate']:.0f} a second{left(known)}{wrong}"
