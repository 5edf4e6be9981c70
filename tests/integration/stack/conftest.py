"""A directory with a short path for a server's data: Unix sockets allow 107 bytes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import scratch


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory of this test's own, gone afterwards."""
    with scratch.directory() as made:
        yield made
