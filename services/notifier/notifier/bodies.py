"""What administrators send and are answered when they try templates, and executors when they decide."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from relato_contracts.fields import Reason, Text
from relato_contracts.itsm import EmailVariant, Language
from relato_contracts.notifications import MailDecision

from notifier.specimen import Kind


class Trial(BaseModel):
    """A template in one language, and what to try it with: an occurrence, or else a sample of a kind."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: Language
    subject: Text
    text: Text
    html: Text
    occurrence_id: UUID | None = None
    kind: Kind = "occurrence"

    @property
    def variant(self) -> EmailVariant:
        """The template."""
        return EmailVariant(language=self.language, subject=self.subject, text=self.text, html=self.html)


class Preview(BaseModel):
    """The parts of a mail."""

    subject: str
    text: str
    html: str


class Variable(BaseModel):
    """Something that templates may say, and what it holds (pt-BR)."""

    name: str
    description: str


class Variables(BaseModel):
    """All that templates may say."""

    items: list[Variable]


class Occurrence(BaseModel):
    """An occurrence to try a template with; ``excerpt`` is the beginning of its text."""

    occurrence_id: UUID
    author_name: str
    occurred_at: datetime
    excerpt: str


class Occurrences(BaseModel):
    """The latest occurrences of a ticket, the newest first."""

    items: list[Occurrence]


class Sent(BaseModel):
    """What became of a test mail; ``code`` and ``answer`` are the mail server's, or say what went wrong."""

    outcome: Literal["accepted", "refused", "uncertain"]
    recipient: str
    code: int | None
    answer: str


class Decision(BaseModel):
    """What is to become of an uncertain mail: it goes out once more, or stays as it is; and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    decision: Literal["resend", "leave"]
    reason: Reason | None = None


class Decided(BaseModel):
    """A decision that was taken."""

    mail_id: UUID
    decision: MailDecision
