"""Settings of the history projector."""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from relato_runtime.settings import ServiceSettings


class ProjectorSettings(ServiceSettings):
    """What the history projector needs beyond what every service does."""

    batch_records: Annotated[int, Field(ge=1, le=20_000)] = 2_000
    """At most how many records go into one transaction."""

    erasures_file: Path | None = None
    """Notes' file of who was erased: histories that were put back wait until nothing of them is left."""
