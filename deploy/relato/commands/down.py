"""`relato down`: stop the local stack and keep its data."""

import json
import sys
from typing import Annotated

import psutil
import typer

from relato import settings as stack_settings
from relato.commands.outcome import refusing
from relato.stack import state, strays
from relato.stack.home import Home

_STOP_SECONDS = 20


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def down(
        as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    ) -> None:
        """Stop everything that `relato up` started; the data stays."""
        with refusing():
            home = Home(stack_settings.load().home)
            count = stop(home)
        if as_json:
            print(json.dumps({"stopped": count}))
        print("Stopped; the data stays." if count else "Nothing runs.", file=sys.stderr)


def stop(home: Home) -> int:
    """Stop that stack, whether or not its supervisor still lives, and say whether there was anything."""
    supervisor = strays.supervisor(home)
    if supervisor is not None:
        try:
            supervisor.terminate()
            supervisor.wait(_STOP_SECONDS)
        except psutil.NoSuchProcess:
            pass  # it was just ending by itself
        except psutil.TimeoutExpired:
            supervisor.kill()
    left = strays.end(home, 8.0)
    state.clear(home)
    return left + (supervisor is not None)
