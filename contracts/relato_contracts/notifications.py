"""Facts of the topic ``relato.notifications``: what became of each mail."""

from typing import Literal
from uuid import UUID

from relato_contracts.fields import Fact, Id, Reason, Text, UtcTime, Version

RecipientRole = Literal["requester", "responsible", "group"]


class MailDecision(Fact):
    """What a person decided about an uncertain mail: that it goes out once more, or stays as it is."""

    decision: Literal["resend", "leave"]
    person_id: Id
    person_name: Text
    at: UtcTime
    reason: Reason | None = None


class EmailFact(Fact):
    """What became of one mail: about which fact of ``relato.notes``, to whom, by which template."""

    ticket_id: Id
    mail_id: UUID
    event_id: UUID
    event_version: Version
    subject_id: UUID
    recipient: Text
    recipient_role: RecipientRole
    template_id: Text
    at: UtcTime
    decision: MailDecision | None = None
    """The last one about this mail: told at once, with the outcome as it was, and then with what follows."""


class EmailAccepted(EmailFact):
    """The mail server took responsibility for the mail (a 2xx answer to its content)."""


class EmailRejected(EmailFact):
    """The mail server refused for good, or attempts were given up."""

    reason: Text


class EmailUncertain(EmailFact):
    """The mail may or may not have gone out; only a person may send it again."""

    reason: Text


class EmailSuppressed(EmailFact):
    """No mail was sent, on purpose: switched off, not configured, no address."""

    reason: Text


EmailOutcome = EmailAccepted | EmailRejected | EmailUncertain | EmailSuppressed
