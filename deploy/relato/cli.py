"""The `relato` command: one module per group of subcommands."""

import signal
import sys


def app() -> None:
    """Run the command line that this process was given."""
    # Until a command says otherwise, Ctrl-C ends it at once and in silence, also while modules load.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from relato.commands import build  # noqa: PLC0415  # after the line above, on purpose

    build(*sys.argv[1:2])()
