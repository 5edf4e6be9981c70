"""Settings of the notes service."""

from typing import Annotated

from pydantic import Field
from relato_runtime.settings import ServiceSettings


class NotesSettings(ServiceSettings):
    """What the notes service needs beyond what every service does."""

    idempotency_hours: Annotated[int, Field(ge=1)] = 72
    """How long the answer to an idempotency key is kept."""
