"""The question before something is changed."""

import sys

from relato.commands.outcome import refuse


def confirm(question: str, *, yes: bool) -> None:
    """Go on after a `y` on standard input, or without asking; end the command otherwise."""
    if yes:
        return
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in {"y", "yes", "s", "sim"}:
        refuse("Nothing was changed.")
