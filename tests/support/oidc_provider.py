"""The certified provider of the npm registry as an issuer, installed once and run beside a test."""

import asyncio
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

_FILES = ("package.json", "package-lock.json", "issuer.mjs")


@asynccontextmanager
async def running_oidc_provider(source: Path, *arguments: str) -> AsyncIterator[str]:
    """The issuer of that directory's ``issuer.mjs``; gives its address. Skips where there is no Node.js."""
    directory = await asyncio.to_thread(_installed, source)
    process = await asyncio.create_subprocess_exec(
        "node",
        str(directory / "issuer.mjs"),
        *arguments,
        stdin=asyncio.subprocess.PIPE,  # which it waits on, so that it ends with this run in any case
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            while not (line := await process.stdout.readline()).startswith(b"issuer "):
                assert line, "the issuer ended before it listened"
        yield line.decode().removeprefix("issuer ").strip()
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


def _installed(source: Path) -> Path:
    """A directory with the sources and what the lock file names; made when there is none yet."""
    if missing := [each for each in ("node", "npm") if shutil.which(each) is None]:
        _cannot(f"{' and '.join(missing)} cannot be found: this test needs Node.js 20 or newer")
    contents = b"".join((source / name).read_bytes() for name in _FILES)
    home = Path(os.environ.get("RELATO_HOME") or tempfile.gettempdir()).absolute()
    directory = home / "cache" / f"oidc-provider-{os.getuid()}-{hashlib.sha256(contents).hexdigest()[:16]}"
    if directory.exists():
        return directory
    directory.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=directory.parent))
    for name in _FILES:
        shutil.copy(source / name, made)
    command = ("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
    npm = subprocess.run(command, cwd=made, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if npm.returncode != 0:
        shutil.rmtree(made)
        _cannot(f"{' '.join(command)} failed (it needs the npm registry): {npm.stdout.decode()[-500:]}")
    try:
        made.rename(directory)
    except OSError:  # another run has been faster
        shutil.rmtree(made)
    return directory


def _cannot(why: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(f"The test against a real issuer must not be left out here, but {why}")
    pytest.skip(f"The test against a real issuer is left out: {why}")
