"""Loops that run for as long as their service does, whatever happens to them."""

import asyncio

from relato_runtime import background
from relato_runtime.readiness import Readiness


async def test_a_loop_begins_afresh_after_a_client_swallowed_a_cancellation() -> None:
    begun = 0
    again = asyncio.Event()

    async def loop() -> None:
        nonlocal begun
        begun += 1
        if begun == 2:
            again.set()
            await asyncio.Event().wait()
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as swallowed:
            raise ConnectionError("the server went away") from swallowed

    readiness = Readiness()
    async with background.running({"consumer": loop}, readiness):
        await asyncio.wait_for(again.wait(), 5)
        assert "ConnectionError" in readiness.missing["consumer"]


async def test_a_loop_that_was_cancelled_by_what_it_uses_begins_afresh() -> None:
    begun = 0
    again = asyncio.Event()

    async def loop() -> None:
        nonlocal begun
        begun += 1
        if begun == 1:
            raise asyncio.CancelledError
        again.set()
        await asyncio.Event().wait()

    async with background.running({"consumer": loop}, Readiness()):
        await asyncio.wait_for(again.wait(), 5)


async def test_a_loop_that_breaks_while_it_is_stopped_does_not_begin_again() -> None:
    begun = asyncio.Event()
    ended: list[str] = []

    async def loop() -> None:
        assert not begun.is_set()
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("loop")
            raise ConnectionError("gone")

    async with background.running({"consumer": loop}, Readiness()):
        await begun.wait()
    assert ended == ["loop"]
