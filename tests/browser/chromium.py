"""The machine's Chromium, and how the tests start it."""

import os
import shutil

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    # Chromium's sandbox refuses root, which is who tests are in containers.
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
]


def executable() -> str:
    """Where it is; without one the tests fail in CI, and elsewhere are left out with what to do."""
    found = next(filter(None, map(shutil.which, (os.environ.get("RELATO_CHROMIUM", ""), *_NAMES))), None)
    if found is None:
        message = (
            "There is no chromium on the PATH; install it or set RELATO_CHROMIUM (see deploy/test-programs)."
        )
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return found
