"""Where servers under test keep what they write: in memory where there is room.

Databases and topics of single tests are made and dropped by the hundred. On ext4 without a journal, inodes of
files that were just deleted are passed over one by one, which took a third of all the tests' time.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

_MEMORY = Path("/dev/shm")
_ROOM = 4 * 2**30


def home() -> Path:
    """A new directory with a short path, since Unix sockets allow 107 bytes; whoever made it removes it."""
    return Path(tempfile.mkdtemp(prefix="relato-", dir=_MEMORY if _roomy() else None))


@contextmanager
def directory() -> Iterator[Path]:
    """The same, gone afterwards."""
    made = home()
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _roomy() -> bool:
    return (
        _MEMORY.is_mount()
        and shutil.disk_usage(_MEMORY).free >= _ROOM
        and psutil.virtual_memory().available >= _ROOM
    )
