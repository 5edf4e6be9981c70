"""`relato up`: start the local stack, show how it gets on, and say how to use it."""

import fcntl
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from relato import settings as stack_settings
from relato.commands import demo, down, status
from relato.commands.outcome import refuse, refusing
from relato.commands.progress import shown
from relato.demo.plan import OthersTickets
from relato.errors import StackError
from relato.settings import StackSettings
from relato.stack import state, strays
from relato.stack.home import Home, plain_errors
from relato.stack.ports import is_free
from relato.stack.process import MARK, module
from relato.stack.report import Progress

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def up(
        as_json: Annotated[
            bool, typer.Option("--json", help="One JSON document, as `relato status --json`.")
        ] = False,
    ) -> None:
        """Start everything on this machine and say how to reach it."""
        for number in _SIGNALS:
            # Also where a shell started us in the background, with SIGINT ignored.
            signal.signal(number, signal.default_int_handler)
        try:
            with refusing():
                settings = stack_settings.load()
                home = Home(settings.home)
                home.create()
                _start(settings, home)
                running = state.read(home)
                if running is None:
                    refuse("Relato was stopped by someone else.")
                print(json.dumps(status.ask(running)) if as_json else _summary(settings, home, running))
        except KeyboardInterrupt:
            print("Stopped.", file=sys.stderr)
            raise typer.Exit(130) from None


def _start(settings: StackSettings, home: Home) -> None:
    """Start a supervisor and wait until everything runs; raises StackError when it does not."""
    with _only_one(settings, home) as lock:
        strays.end(home, 10.0)
        if not is_free(settings.port):
            raise StackError(
                f"Port {settings.port} of 127.0.0.1 is taken. Stop what listens there, or choose another: "
                f"RELATO_PORT={settings.port + 1}."
            )
        try:
            end = shown(_spawn(home, lock))
            if end is not None and end.kind == "running":
                _demonstrate(settings)
                return
        except KeyboardInterrupt:
            _stop(home)
            raise
        _stop(home)
        raise StackError(end.text if end else f"The start broke off. Its log is {_log(home)}.")


def _demonstrate(settings: StackSettings) -> None:
    """Load the demonstration data into a broker of our own, unless others' tickets are there."""
    if settings.kafka_bootstrap is not None:
        return
    try:
        demo.run()
    except OthersTickets:
        return
    except StackError as error:
        raise StackError(f"Relato runs, but without its demonstration data: {error}") from error


def _spawn(home: Home, lock: int) -> Iterator[Progress]:
    """Start a supervisor that outlives this process and holds the lock; gives what it reports."""
    reading, writing = os.pipe()
    with plain_errors(_log(home)), _log(home).open("wb") as output:
        subprocess.Popen(  # noqa: S603  # our own module
            module("relato.stack.supervisor", str(writing)),
            env={**os.environ, "RELATO_HOME": str(home.root), MARK: strays.SUPERVISOR},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=(writing, lock),
            start_new_session=True,
        )
    os.close(writing)
    return _received(reading)


def _received(descriptor: int) -> Iterator[Progress]:
    with os.fdopen(descriptor) as pipe:
        for line in pipe:
            yield Progress.model_validate_json(line)


def _stop(home: Home) -> None:
    """Stop what was started, whatever else is typed meanwhile."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    down.stop(home)


@contextmanager
def _only_one(settings: StackSettings, home: Home) -> Iterator[int]:
    """Hold the lock that a supervisor inherits and keeps for as long as it lives."""
    path = home.run / "lock"
    with plain_errors(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        running = state.read(home)
        where = running.origin if running else settings.origin
        raise StackError(
            f"Relato already runs from {home.root}, at {where}. See `relato status`; `relato down` stops it."
        ) from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _log(home: Home) -> Path:
    return home.logs / "supervisor.log"


def _summary(settings: StackSettings, home: Home, running: state.StackState) -> str:
    command = _command(settings)
    rows = [
        ("Pages", f"{settings.origin}/"),
        (
            "API documents",
            "  ".join(
                f"{settings.origin}/api/{name}/openapi.json"
                for name in ("notes", "portal", "notifier", "operate")
            ),
        ),
        ("Mails", running.mail_page or f"sent through {running.smtp}"),
        ("Kafka", running.kafka),
        ("Issuer", f"{settings.issuer.rstrip('/')}/.well-known/openid-configuration"),
        ("Logs", str(home.logs)),
    ]
    people = [
        ("ana", "requester of ticket 1001"),
        ("carlos", "executor, in the group of ticket 1001"),
        ("bia", "requester of ticket 1002"),
        ("davi", "administrator"),
        ("olga", "operator"),
    ]
    return "\n".join(
        [
            "",
            "Relato runs.",
            "",
            *(f"  {name:<16} {value}" for name, value in rows),
            "",
            "People to sign in as, or to act as by `relato token --person …`:",
            *(f"  {person:<16} {role}" for person, role in people),
            "",
            "Carlos tells Ana, in the portal and by mail:",
            "",
            _curl(settings, command),
            "",
            f"{command} status    says what runs",
            f"{command} down      stops it and keeps the data",
        ]
    )


def _curl(settings: StackSettings, command: str) -> str:
    """One line for any POSIX shell; the shell fills in the token and the present moment."""
    body = {
        "description_html": "<p>Troquei o cabo de rede; a impressora voltou.</p>",
        "occurred_at": "NOW",
        "time_spent_minutes": 15,
        "visible_to_requester": True,
        "notify_by_email": True,
    }
    quoted = json.dumps(body, ensure_ascii=False).replace("NOW", "'\"$(date -u +%Y-%m-%dT%H:%M:%SZ)\"'")
    return (
        f"curl -sS {settings.origin}/api/notes/tickets/1001/occurrences "
        f'-H "Authorization: Bearer $({command} token --person carlos)" '
        f"-H 'Content-Type: application/json' -d '{quoted}'"
    )


def _command(settings: StackSettings) -> str:
    """How to call this program from any directory and any shell."""
    program = shlex.quote(str(Path(sys.prefix) / "bin" / "relato"))
    if settings.home == stack_settings.checkout() / ".relato":
        return program
    return f"RELATO_HOME={shlex.quote(str(settings.home))} {program}"
