"""Facts of the topics ``itsm.*``: whole states of what the ITSM owns."""

import unicodedata
from collections.abc import Mapping
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, StringConstraints

from relato_contracts.fields import Fact, Id, Line, Text, UtcTime

TicketStatus = Literal["open", "in-progress", "suspended", "resolved", "closed", "cancelled"]
Language = Literal["pt-BR", "en", "es"]
Permission = Literal["execute", "comment"]

# What some zone databases list beside the zones is not the same place on every machine.
_ZONES = frozenset(available_timezones()) - {"localtime", "posixrules", "Factory"}


def _known_zone(name: str) -> str:
    if _ZONES and name not in _ZONES:  # a machine without a zone database cannot tell
        raise ValueError("not a time zone of the IANA database")
    return name


def _seen(address: str) -> str:
    if any(unicodedata.category(character) == "Cf" for character in address):
        raise ValueError("holds characters that are not seen")
    return address


TimeZone = Annotated[
    str,
    AfterValidator(_known_zone),
    Field(description="A name of the IANA time zone database, such as America/Sao_Paulo."),
]
# RFC 5321 §4.1.2 without the quoted and literal forms, which nobody has and headers suffer from.
_PART = r'[^\s\x00-\x1f\x7f-\x9f@<>()\[\],;:\\"]'
EmailAddress = Annotated[
    str,
    StringConstraints(max_length=254, pattern=rf"^{_PART}{{1,64}}@{_PART}{{1,189}}$"),
    AfterValidator(_seen),
]


class TicketSaved(Fact):
    """A ticket as it now is; ``description`` is the request in plain text, and its requester is shown it."""

    ticket_id: Id
    title: Line
    status: TicketStatus
    requester_id: Id
    group_id: Id
    responsible_id: Id | None = None
    opened_at: UtcTime
    description: Text | None = None


class PersonSaved(Fact):
    """A person as they now are."""

    person_id: Id
    name: Line
    email: EmailAddress | None = None
    language: Language
    time_zone: TimeZone
    active: bool


class GroupPermission(Fact):
    """What members may do on another group's tickets."""

    group_id: Id
    may: tuple[Permission, ...]


class GroupSaved(Fact):
    """A group as it now is; its members may always execute its own tickets."""

    group_id: Id
    name: Line
    member_ids: tuple[Id, ...]
    emails: tuple[EmailAddress, ...]
    permissions: tuple[GroupPermission, ...]


class ParameterSaved(Fact):
    """A parameter of the ITSM, by its number there."""

    number: Annotated[int, Field(ge=1, le=99_999)]
    value: Annotated[str, StringConstraints(max_length=1_000, pattern=r"^[^\x00]*$")]


class EmailVariant(Fact):
    """A mail template in one language (Jinja2)."""

    language: Language
    subject: Text
    text: Text
    html: Text


class EmailTemplateSaved(Fact):
    """A mail template as it now is."""

    template_id: Id
    name: Line
    variants: tuple[EmailVariant, ...]


class CategorySaved(Fact):
    """A category of occurrences as it now is."""

    category_id: Id
    name: Line
    active: bool


class OriginSaved(Fact):
    """An origin of occurrences as it now is."""

    origin_id: Id
    name: Line
    active: bool


ItsmFact = (
    TicketSaved | PersonSaved | GroupSaved | ParameterSaved | EmailTemplateSaved | CategorySaved | OriginSaved
)

Kind = Literal["tickets", "people", "groups", "parameters", "email-templates", "categories", "origins"]
KINDS: Mapping[Kind, type[ItsmFact]] = {
    "tickets": TicketSaved,
    "people": PersonSaved,
    "groups": GroupSaved,
    "parameters": ParameterSaved,
    "email-templates": EmailTemplateSaved,
    "categories": CategorySaved,
    "origins": OriginSaved,
}
"""What administrators call the facts, in addresses and commands."""
