"""Apache Kafka's own jars: locked by version and digest, fetched once from Maven Central.

Run as a program it fetches what is missing, one line per jar; with ``--lock`` it resolves anew and
rewrites the lock.
"""

import hashlib
import logging
import os
import ssl
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from jgo.constants import MAVEN_CENTRAL_URL
from jgo.maven import MavenContext
from jgo.parse import Coordinate

from relato.errors import StackError
from relato.stack.home import plain_errors

KAFKA_VERSION = "4.3.1"
# Kafka speaks to slf4j, which says nothing at all without a binding to something that writes.
_KAFKA = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}"
_BINDING = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4"
_LOCK = Path(__file__).with_name("kafka.lock")


@dataclass(frozen=True, slots=True)
class Jar:
    """One locked jar."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file(self) -> str:
        """Its name in Maven's layout."""
        return f"{self.artifact}-{self.version}.jar"


def directory() -> Path:
    """Where the jars are kept: with the other installed dependencies, beside the wheels."""
    return Path(sys.prefix) / "share" / "relato" / "maven"


def present() -> list[Path] | None:
    """All jars in the order of the lock, or None when some are missing."""
    paths = [_path(jar) for jar in _locked()]
    return paths if all(path.is_file() for path in paths) else None


def fetch() -> Iterator[str]:
    """Bring every missing jar, yielding the name of each; raises StackError when one cannot be had."""
    with plain_errors(directory()):
        directory().mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=directory(), prefix=".partial-") as partial:
            context = _context(Path(partial))
            for jar in _locked():
                if not _path(jar).is_file():
                    yield jar.file
                    _bring(jar, context)


def _bring(jar: Jar, context: MavenContext) -> None:
    """Fetch one jar aside, and move it to its place only when it is the locked one."""
    try:
        found = context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
    except (RuntimeError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's refusal; the network's have no number
        raise StackError(
            f"Kafka's libraries cannot be fetched from {MAVEN_CENTRAL_URL}: {error}\nConnect to the network "
            "(HTTPS_PROXY and REQUESTS_CA_BUNDLE are honoured), or name a broker: RELATO_KAFKA_BOOTSTRAP."
        ) from error
    if _sha256(found) != jar.sha256:
        raise StackError(
            f"{jar.file} from {MAVEN_CENTRAL_URL} is not the one that was locked; it is not used."
        )
    _path(jar).parent.mkdir(parents=True, exist_ok=True)
    found.replace(_path(jar))


def lock() -> str:
    """The text of a new lock: Kafka with what it needs at run time, and the binding alone."""
    context = _context(directory())
    kafka, binding = (
        context.create_dependency(replace(Coordinate.parse(name), scope="compile"))
        for name in (_KAFKA, _BINDING)
    )
    # Together, one's managed versions would replace what the other was built with.
    _, transitive = context.resolver.resolve([kafka])
    needed = [kafka, binding, *(found for found in transitive if found.scope in {"compile", "runtime"})]
    return "".join(
        f"{found.groupId}:{found.artifactId}:{found.version} {_sha256(found.artifact.resolve())}\n"
        for found in sorted(needed, key=lambda found: (found.groupId, found.artifactId))
    )


def _locked() -> list[Jar]:
    locked = []
    for line in _LOCK.read_text().splitlines():
        coordinate, sha256 = line.split()
        group, artifact, version = coordinate.split(":")
        locked.append(Jar(group, artifact, version, sha256))
    return locked


def _path(jar: Jar) -> Path:
    return directory().joinpath(*jar.group.split("."), jar.artifact, jar.version, jar.file)


def _context(cache: Path) -> MavenContext:
    return MavenContext(repo_cache=cache, remote_repos={"central": MAVEN_CENTRAL_URL})


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    trusted = ssl.get_default_verify_paths().cafile
    if trusted is not None:  # whom the machine trusts, and not only whom a library was shipped with
        os.environ.setdefault("REQUESTS_CA_BUNDLE", trusted)
    try:
        if sys.argv[1:] == ["--lock"]:
            _LOCK.write_text(lock())
        else:
            for name in fetch():
                print(name, flush=True)
    except StackError as problem:
        print(problem, file=sys.stderr)
        raise SystemExit(1) from None
