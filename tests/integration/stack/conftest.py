"""A directory with a short path for a server's data: Unix sockets allow 107 bytes."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory of this test's own, gone afterwards."""
    made = Path(tempfile.mkdtemp(prefix="relato-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)
