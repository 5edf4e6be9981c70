"""The JSON that administrators are answered with: what the ITSM says, and who last changed it."""

from datetime import datetime
from typing import NotRequired

from relato_contracts.itsm import EmailVariant, Language, Permission, TicketStatus
from typing_extensions import TypedDict  # pydantic asks for this one before Python 3.12

from portal_query.parameters import Control
from portal_query.shapes import Group, Person


class Changed(TypedDict):
    """Who last changed it and when; null where that is not known."""

    changed_by: Person | None
    changed_at: datetime | None


class Named(TypedDict):
    """Something that an id stands for."""

    id: str
    name: str


class Parameter(Changed):
    """A parameter with its meaning (pt-BR); it is there although it may be unset."""

    number: int
    value: str | None
    """Null while it is unset."""
    control: Control
    name: NotRequired[str]
    meaning: NotRequired[str]
    """Absent, as the name is, of a number that Relato does not know."""
    refers_to: NotRequired[Named | None]
    """The template, category or origin that the value names; null when it names none that can be used."""


class CatalogEntry(Changed):
    """A category or an origin."""

    name: str
    active: bool


class Category(CatalogEntry):
    """A category of occurrences."""

    category_id: str


class Origin(CatalogEntry):
    """An origin of occurrences."""

    origin_id: str


class ListedTemplate(Changed):
    """An e-mail template in a list."""

    template_id: str
    name: str
    languages: list[Language]


class Template(ListedTemplate):
    """An e-mail template."""

    variants: list[EmailVariant]


class ListedGroup(Changed):
    """A group in a list."""

    group_id: str
    name: str
    member_count: int
    emails: list[str]


class GroupPermission(TypedDict):
    """What members may do on another group's tickets."""

    group: Group
    may: list[Permission]


class AdministeredGroup(ListedGroup):
    """A group."""

    members: list[Person]
    permissions: list[GroupPermission]


class ListedPerson(Changed):
    """A person in a list."""

    person_id: str
    name: str
    email: NotRequired[str]
    language: Language
    time_zone: str
    active: bool


class AdministeredPerson(ListedPerson):
    """A person."""

    groups: list[Group]


class AdministeredTicket(Changed):
    """A ticket as the ITSM last said it is."""

    ticket_id: str
    title: str
    status: TicketStatus
    requester: Person
    group: Group
    responsible: NotRequired[Person]
    opened_at: datetime
    description: NotRequired[str]
