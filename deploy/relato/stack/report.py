"""The words a starting supervisor sends to whoever started it, one JSON object a line over a pipe."""

import os
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Progress(BaseModel):
    """One step of the start, or how it ended."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["working", "done", "running", "failed"]
    """`working` and `done` speak of a part; `running` and `failed` end the start."""
    part: str = ""
    text: str = ""


class Reporter:
    """Writes progress to a pipe whose other end may have gone."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def working(self, part: str, text: str) -> None:
        """Say what a part is busy with."""
        self._send(Progress(kind="working", part=part, text=text))

    def done(self, part: str, text: str = "") -> None:
        """Say that a part is ready."""
        self._send(Progress(kind="done", part=part, text=text))

    def end(self, failure: str | None = None) -> None:
        """Say how the start ended, and no more."""
        self._send(Progress(kind="running") if failure is None else Progress(kind="failed", text=failure))
        self._close()

    def _send(self, progress: Progress) -> None:
        if self._descriptor is None:
            return
        try:
            os.write(self._descriptor, progress.model_dump_json().encode() + b"\n")
        except BrokenPipeError:
            self._close()  # nobody listens any more, which is no reason to stop

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
