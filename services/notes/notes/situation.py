"""What a decision may know beyond the ticket's own stream: reference data, read in the same transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from relato_contracts.itsm import TicketStatus

Notification = Literal["none", "planned", "not-configured", "disabled", "no-address"]


@dataclass(frozen=True, slots=True)
class Situation:
    """The ticket, what the author may do on it, and the parameters."""

    ticket_known: bool = False
    status: TicketStatus = "open"
    requester_id: str = ""
    author_name: str = ""
    is_requester: bool = False
    author_active: bool = True
    may_execute: bool = False
    may_comment: bool = False
    category_known: bool = True
    origin_known: bool = True
    portal_category_id: str | None = None
    """By parameter 262, when that names an active category."""
    portal_origin_id: str | None = None
    """By parameter 263, likewise."""
    requester_online: bool = False
    attendant_online: bool = False
    """The responsible or, without one, somebody who may execute the ticket."""
    requester_has_address: bool = False
    """So far as is known: for somebody who is not known yet the notifier waits, with the mail."""
    attendant_has_address: bool = False
    """Of the responsible or, without one, the group; likewise."""
    parameters: Mapping[int, str] = field(default_factory=dict)
    configured_templates: frozenset[int] = frozenset()
    """Those of 251, 253 and 447 whose value names a template that exists."""

    @property
    def may_see(self) -> bool:
        """Whether the ticket exists for the author."""
        return self.ticket_known and (self.is_requester or self.may_write)

    @property
    def may_write(self) -> bool:
        """Whether the author may record occurrences by the groups they are in."""
        return self.may_execute or self.may_comment

    @property
    def closed(self) -> bool:
        """Whether the ticket accepts nothing any more."""
        return self.status in {"closed", "cancelled"}

    @property
    def in_progress(self) -> bool:
        """Whether the ticket is being executed."""
        return self.status == "in-progress"

    def switched_on(self, parameter: int) -> bool:
        """Whether a parameter is ``S``; absent ones are ``N``."""
        return self.parameters.get(parameter, "N") == "S"

    def mail_to_requester(self) -> Notification:
        """What would become of a mail to the requester (template 251)."""
        return self._mail(251, self.requester_has_address)

    def mail_to_attendant(self) -> Notification:
        """What would become of a mail to the responsible or the group (template 253)."""
        return self._mail(253, self.attendant_has_address)

    def _mail(self, template: int, has_address: bool) -> Notification:
        if self.switched_on(297):
            return "disabled"
        if template not in self.configured_templates:
            return "not-configured"
        return "planned" if has_address else "no-address"
