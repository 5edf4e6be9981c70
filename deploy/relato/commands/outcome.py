"""How every command ends when it cannot do what was asked: a sentence on standard error and exit code 1."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from relato.errors import StackError


def refuse(reason: str) -> NoReturn:
    """End the command with that reason."""
    print(reason, file=sys.stderr)
    raise typer.Exit(1)


@contextmanager
def refusing() -> Iterator[None]:
    """End the command with the sentence of a StackError raised inside."""
    try:
        yield
    except StackError as error:
        refuse(str(error))
