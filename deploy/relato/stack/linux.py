"""What the kernel does for the local stack: end children with their parent, and run as another than root."""

import ctypes
import errno
import os
import pwd
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from relato.errors import StackError

_PATIENCE_SECONDS = 1
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_CLONE_NEWUSER = 0x1000_0000  # linux/sched.h


def child_setup(at_parents_death: signal.Signals, *, unprivileged: bool) -> Callable[[], None]:
    """What a child does between fork and exec.

    Elsewhere than on Linux it does nothing: there, `relato down` finds what a killed supervisor left.
    """
    if not sys.platform.startswith("linux"):
        return lambda: None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()
    someone = _someone_else() if unprivileged and os.geteuid() == 0 else None

    def setup() -> None:
        if someone is not None:
            try:
                _become(libc, someone)
            except OSError as error:
                # The parent only learns that something failed; what, goes to the program's log.
                os.write(2, f"{error}\n".encode())
                raise
        libc.prctl(_PR_SET_PDEATHSIG, int(at_parents_death), 0, 0, 0)
        if os.getppid() not in {parent, 0}:
            os._exit(1)  # the parent died before the kernel knew what to do then

    return setup


def _someone_else() -> int:
    for entry in pwd.getpwall():
        if entry.pw_uid != 0:
            return entry.pw_uid
    raise StackError("This machine knows no user but root, and PostgreSQL refuses to run as root.")


def _become(libc: ctypes.CDLL, user: int) -> None:
    """Enter a user namespace in which our files belong to that user (user_namespaces(7)).

    Nothing changes owner or mode, and no account is made, as a real change of user would need.
    """
    user_outside, group_outside = os.geteuid(), os.getegid()
    patient_until = time.monotonic() + _PATIENCE_SECONDS
    while libc.unshare(_CLONE_NEWUSER) != 0:
        # EINVAL: not the only thread. Libraries (OpenTelemetry) run some in a new child and join them, but
        # the kernel may take a moment longer to be rid of them.
        if ctypes.get_errno() != errno.EINVAL or time.monotonic() > patient_until:
            raise OSError(ctypes.get_errno(), "root may not use user namespaces")
        time.sleep(0.001)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user_outside} 1")
    Path("/proc/self/gid_map").write_text(f"{user} {group_outside} 1")
