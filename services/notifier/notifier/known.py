"""Pure: what composing a mail may know beyond the event."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from relato_contracts.itsm import EmailVariant, Language

SENDER = 10
TEMPLATES = (251, 253, 447)
MAILS_OFF = 297
SOLUTION_SHOWN = 371
PARAMETERS = (SENDER, *TEMPLATES, MAILS_OFF, SOLUTION_SHOWN)


@dataclass(frozen=True, slots=True)
class Ticket:
    """What mails say of a ticket, and who executes it."""

    title: str
    group_id: str
    responsible_id: str | None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may read a mail."""

    name: str
    email: str | None
    language: str
    time_zone: str
    active: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Whom to tell while nobody is responsible for a ticket."""

    name: str
    emails: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """The reference data that has arrived."""

    tickets: Mapping[str, Ticket] = field(default_factory=dict)
    people: Mapping[str, Person] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    parameters: Mapping[int, str] = field(default_factory=dict)
    templates: Mapping[str, tuple[EmailVariant, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class House:
    """What holds for all mails: where links lead, how groups read, what is too old."""

    public_url: str
    language: Language
    time_zone: str
    age_limit: timedelta


class Unknown(Exception):
    """Something that is needed has not arrived; should it never do, ``reason`` says why there is no mail."""

    def __init__(self, needs: str, reason: str) -> None:
        super().__init__(needs)
        self.needs = needs
        self.reason = reason
