"""Waiting for a condition, which is all that a test may wait for."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

Result = TypeVar("Result")


async def until(
    condition: Callable[[], Awaitable[Result]], *, within: float = 20.0, what: str = "the condition"
) -> Result:
    """Ask again until the answer is true, and return it; fail after ``within`` seconds."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + within
    while True:
        asked = clock()
        answer = await condition()
        if answer:
            return answer
        if clock() > deadline:
            raise AssertionError(f"{what} did not come true within {within:.0f} s; last answer: {answer!r}")
        # Whoever asks all the time keeps what is waited for from its work.
        await asyncio.sleep(max(0.02, clock() - asked))
