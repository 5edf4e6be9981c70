"""Waiting for a condition, which is all that a test may wait for."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

Result = TypeVar("Result")


async def until(
    condition: Callable[[], Awaitable[Result]], *, within: float = 20.0, what: str = "the condition"
) -> Result:
    """Ask again until the answer is true, and return it; fail after ``within`` seconds."""
    deadline = asyncio.get_running_loop().time() + within
    while True:
        answer = await condition()
        if answer:
            return answer
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"{what} did not come true within {within:.0f} s; last answer: {answer!r}")
        await asyncio.sleep(0.02)
