"""RELATO_HOME: where the local stack keeps state, data, logs and secrets, for its owner's eyes only."""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from notes import signing

from relato.errors import StackError

_LEAST_FREE_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Home:
    """The directories of one local stack."""

    root: Path

    @property
    def run(self) -> Path:
        """What only lasts as long as the stack runs, and the ports it was given."""
        return self.root / "run"

    @property
    def logs(self) -> Path:
        """One file per process."""
        return self.root / "logs"

    @property
    def secrets(self) -> Path:
        """Passwords and keys, a file each."""
        return self.root / "secrets"

    @property
    def postgres(self) -> Path:
        """The cluster's data and its Unix socket."""
        return self.root / "postgres"

    @property
    def kafka(self) -> Path:
        """The broker's log and its configuration."""
        return self.root / "kafka"

    @property
    def erasures(self) -> Path:
        """Who was erased, apart from databases and broker."""
        return self.root / "erasures"

    @property
    def caddy(self) -> Path:
        """What the front door keeps."""
        return self.root / "caddy"

    def create(self) -> None:
        """Make the directories, or raise StackError when there is no room or no permission."""
        with plain_errors(self.root):
            for directory in (self.root, self.run, self.logs, self.secrets, self.caddy):
                private_directory(directory)
            free = shutil.disk_usage(self.root).free
        if free < _LEAST_FREE_BYTES:
            raise StackError(
                f"The disk that holds {self.root} is full: {free // 1024**2} MB are free and Relato needs "
                f"{_LEAST_FREE_BYTES // 1024**2} MB. Make room, or set RELATO_HOME to another disk."
            )

    def secret(self, name: str) -> str:
        """The secret of that name, made up the first time it is asked for."""
        path = self.secrets / name
        with plain_errors(path):
            if not path.exists():
                write_private(path, secrets.token_urlsafe(32))
            return path.read_text().strip()

    def log_key(self) -> Path:
        """The key that signs the heads of the log, made up the first time it is asked for."""
        path = self.secrets / "log-key.pem"
        with plain_errors(path):
            if not path.exists():
                write_private(path, signing.generated())
        return path


def private_directory(path: Path) -> Path:
    """Make a directory that its owner alone may enter."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    return path


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone may read, whole or not at all."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


@contextmanager
def plain_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals about a path into StackError."""
    try:
        yield
    except OSError as error:
        raise StackError(explain(error, path)) from error


def explain(error: OSError, path: Path) -> str:
    """A sentence for an error of the operating system."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return f"The disk that holds {path} is full. Make room, or set RELATO_HOME to another disk."
    return f"{error.filename or path} cannot be used: {error.strerror or error}."
