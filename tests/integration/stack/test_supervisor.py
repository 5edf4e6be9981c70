"""The supervisor keeps its programs running, also when it cannot start one for a while."""

import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from relato.stack import process
from relato.stack.process import Program
from relato.stack.supervisor import Child, Supervisor

from tests.support.waiting import until


async def test_a_program_that_could_not_be_started_again_is_started_once_it_can_be(
    directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    logs = directory / "logs"
    logs.mkdir()
    children: Sequence[Child] = ()

    def changed(now: Sequence[Child]) -> None:
        nonlocal children
        children = now

    supervisor = Supervisor(changed)
    sleeper = Program(
        name="sleeper",
        argv=(sys.executable, "-c", "import time; time.sleep(600)"),
        environment=dict(os.environ),
        log=logs / "sleeper.log",
        probe=process.at_once,
    )
    try:
        with caplog.at_level(logging.WARNING):
            await supervisor.start(sleeper)
            first = children[0].running
            assert first is not None
            logs.rename(directory / "elsewhere")
            os.kill(first.pid, signal.SIGKILL)

            async def refused() -> bool:
                return "sleeper cannot be started: " in caplog.text

            await until(refused, what="a start that fails")
            (directory / "elsewhere").rename(logs)

            async def runs() -> bool:
                return children[0].running is not None and children[0].restarts == 1

            await until(runs, what="a start that succeeds")
    finally:
        await supervisor.stop((lambda _: True, 5.0))
