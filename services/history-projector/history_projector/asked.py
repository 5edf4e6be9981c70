"""What an operator wants of a projection."""

from dataclasses import dataclass

from relato_runtime.caller import Caller
from relato_runtime.operations import Operation

from history_projector.rules import Verb


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be done with which generation, by whom and why."""

    projection: str
    verb: Verb
    who: Caller
    generation: int | None
    reason: str
    dry_run: bool

    @property
    def operation(self) -> Operation:
        """The same, as the audit table and the leases know it."""
        return Operation(self.projection, self.verb, self.who, self.reason, self.dry_run)
