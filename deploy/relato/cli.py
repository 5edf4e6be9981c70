"""The `relato` command: one module per group of subcommands."""

import errno
import os
import signal
import sys

_FULL = {errno.ENOSPC, errno.EDQUOT}


def app() -> None:
    """Run the command line that this process was given."""
    # Until a command says otherwise, Ctrl-C ends it at once and in silence, also while modules load.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from relato.commands import build  # noqa: PLC0415  # after the line above, on purpose

    try:
        try:
            build(*sys.argv[1:2])()
        finally:
            sys.stdout.flush()
    except OSError as error:
        if error.errno not in _FULL | {errno.EPIPE}:
            raise
        if error.errno in _FULL:
            print(f"The output cannot be written: {os.strerror(error.errno)}.", file=sys.stderr)
        # The interpreter must not try again at its end, when nobody can say so in a sentence any more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
