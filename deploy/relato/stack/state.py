"""What the supervisor says about the running stack, for `relato status` and `relato up` to read."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from relato.stack.home import Home, plain_errors, write_private

SecretUrl = Annotated[str, Field(repr=False)]
Phase = Literal["starting", "running", "stopping"]


class ChildState(BaseModel):
    """One process of the stack as its supervisor knows it."""

    model_config = ConfigDict(frozen=True)

    name: str
    service: str = ""
    """Whose replica it is, if it is a service's."""
    address: str
    pid: int | None
    """None while it is dead and waits to be started again."""
    started: float | None
    """When that process was made, in seconds since 1970, as the kernel says: a pid may be given out again."""
    restarts: int = 0
    last_exit: int | None = None
    log: Path


class StackState(BaseModel):
    """The running stack."""

    model_config = ConfigDict(frozen=True)

    phase: Phase
    origin: str
    issuer: str
    local_issuer: bool
    postgres: SecretUrl
    """The administrator's DSN, which is why this file is private."""
    kafka: str
    kafka_version: str | None
    """None when the broker is not ours."""
    smtp: str
    mail_page: str | None
    children: tuple[ChildState, ...]


def write(home: Home, state: StackState) -> None:
    """Put the state where others find it."""
    write_private(_path(home), state.model_dump_json(indent=1))


def read(home: Home) -> StackState | None:
    """The state last written, or None when no stack was started or it was stopped."""
    with plain_errors(_path(home)):
        try:
            return StackState.model_validate_json(_path(home).read_text())
        except (FileNotFoundError, NotADirectoryError, ValidationError):
            return None


def clear(home: Home) -> None:
    """Say that nothing runs any more."""
    _path(home).unlink(missing_ok=True)


def _path(home: Home) -> Path:
    return home.run / "state.json"
