"""The runbook as a program reads it: of each section the lines that are to be typed."""

import re
import shlex
from collections.abc import Mapping
from functools import cache

from tests.support.manifests import DEPLOY
from tests.support.stack import Stack

_SECTION = re.compile(r"^#{2,3} (.+)$", re.MULTILINE)
_BLOCK = re.compile(r"^ *```(?:sh|sql)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_TO_FILL_IN = re.compile(r"\b[A-Z][A-Z_]{2,}\b")


@cache
def sections() -> Mapping[str, tuple[str, ...]]:
    """The sections that have something to type, with their lines."""
    parts = _SECTION.split((DEPLOY / "RUNBOOK.md").read_text())[1:]
    found = {
        title: tuple(line.strip() for block in _BLOCK.findall(text) for line in block.splitlines())
        for title, text in zip(parts[::2], parts[1::2], strict=True)
    }
    return {title: lines for title, lines in found.items() if lines}


async def follow(stack: Stack, section: str, *, may_fail: str = "", **values: str) -> list[str]:
    """Type the lines of a section, filled in, and give what each command prints.

    All have to succeed but those that begin with ``may_fail``.
    """
    return [
        said for line in sections()[section] for said in await typed(stack, line, may_fail=may_fail, **values)
    ]


async def typed(stack: Stack, line: str, *, may_fail: str = "", **values: str) -> list[str]:
    """Type one line; of commands that are joined by ``&&`` none is run behind one that fails."""
    said = []
    for command in line.split(" && "):
        program, *arguments = (values.get(word.lower(), word) for word in shlex.split(command))
        assert program == "relato", line
        assert not any(_TO_FILL_IN.fullmatch(word) for word in arguments), f"{line}: with what?"
        code, output, errors = await stack.relato(*arguments)
        allowed = (0, 1) if may_fail and command.startswith(may_fail) else (0,)
        assert code in allowed, f"{command}: exit {code}\n{output}\n{errors}"
        said.append(output + errors)
        if code:
            break
    return said
