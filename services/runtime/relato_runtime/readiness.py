"""What a service still lacks before it can do its work, in words for ``/readyz``."""


class Readiness:
    """The parts of a service and what each lacks; ready when none lacks anything."""

    def __init__(self, *parts: str) -> None:
        self._lacks: dict[str, str] = dict.fromkeys(parts, "not started yet")
        self._remarks: dict[str, str] = {}

    def lacks(self, part: str, what: str) -> None:
        """Say what a part is waiting for."""
        self._lacks[part] = what

    def has(self, part: str) -> None:
        """Say that a part has all it needs."""
        self._lacks.pop(part, None)

    def remark(self, about: str, what: str) -> None:
        """Say something that people are to know, and that keeps nothing from working."""
        self._remarks[about] = what

    def forget(self, about: str) -> None:
        """That is no longer so."""
        self._remarks.pop(about, None)

    @property
    def remarks(self) -> dict[str, str]:
        """What people are to know though nothing is missing."""
        return dict(self._remarks)

    @property
    def missing(self) -> dict[str, str]:
        """Each part that is not ready, and why."""
        return dict(self._lacks)
