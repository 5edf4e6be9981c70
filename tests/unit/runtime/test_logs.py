"""What services log is JSON for programs, and lines for people on a terminal."""

import json
import os
import pty
import subprocess
import sys

import pytest

SAYS = """
import logging
from relato_runtime import logs
logs.configure("notes", "info", {form!r})
import structlog
structlog.get_logger("notes.relay").info("leading", epoch=7)
logging.getLogger("a.library").warning("slow: %s", "disk")
"""


def _on_a_terminal(form: str) -> str:
    """What a process with a terminal for its standard error writes there."""
    ours, theirs = pty.openpty()
    subprocess.run([sys.executable, "-c", SAYS.format(form=form)], stderr=theirs, check=True)
    os.close(theirs)
    try:
        return os.read(ours, 65_536).decode()
    finally:
        os.close(ours)


@pytest.mark.parametrize("form", ["auto", "console"])
def test_on_a_terminal_a_line_is_read_by_people(form: str) -> None:
    leading, slow = _on_a_terminal(form).splitlines()
    for word in ("info", "leading", "epoch", "7", "notes.relay"):
        assert word in leading
    for word in ("warning", "slow: disk", "a.library"):
        assert word in slow
    assert not leading.startswith("{")


def test_json_is_asked_for_or_follows_from_there_being_no_terminal() -> None:
    asked = _on_a_terminal("json")
    piped = subprocess.run(
        [sys.executable, "-c", SAYS.format(form="auto")], stderr=subprocess.PIPE, text=True, check=True
    ).stderr
    for said in (asked, piped):
        leading, slow = [json.loads(line) for line in said.splitlines()]
        assert (leading["event"], leading["service"], leading["epoch"]) == ("leading", "notes", 7)
        assert (slow["event"], slow["level"], slow["logger"]) == ("slow: disk", "warning", "a.library")
