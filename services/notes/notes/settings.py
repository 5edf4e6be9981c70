"""Settings of the notes service."""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from relato_runtime.settings import ServiceSettings


class NotesSettings(ServiceSettings):
    """What the notes service needs beyond what every service does."""

    log_key_file: str = ""
    """With which heads of the log are signed: Ed25519 in PEM (PKCS #8), kept outside of the database."""
    log_keys_file: str = ""
    """The public keys that heads may be signed with, one a line; unless given, that of ``log_key_file``."""
    log_name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._/-]{1,200}$")] = "relato"
    """By which others know this log: best its address without a scheme."""
    seal_seconds: Annotated[int, Field(ge=1, le=86_400)] = 60
    """How often a head is signed and published, when something was recorded."""

    idempotency_hours: Annotated[int, Field(ge=1)] = 72
    """How long the answer to an idempotency key is kept."""
    erasures_file: Path | None = None
    """Who was erased, kept apart from what is backed up: after a restore they are erased again."""
