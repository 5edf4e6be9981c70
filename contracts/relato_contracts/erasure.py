"""Pure: what is left of a fact once its texts, or the person in it, had to be forgotten.

A fact that was erased stays valid, at its place: ids, times, minutes, switches are as they were, and where
somebody's words stood stands ``ERASED``. Whoever erased it says so by ``TextErased`` or ``PersonErased``.
"""

from collections.abc import Mapping

from pydantic import JsonValue

from relato_contracts.itsm import PersonSaved, TicketSaved

ERASED = "[erased]"
"""Stands where a text, a name or an address stood. It is valid in each of these fields."""

TEXTS = frozenset(
    {"description_html", "description_text", "solution_html", "solution_text", "text_html", "text", "reason"}
)
"""Fields of the facts of ``relato.notes`` in which people write."""
NAMES = frozenset({"author_name"})
ADDRESS = r"<?[^\s<>]+@[^\s<>]+>?"
"""A regular expression: what a mail server's answer may name whom it was asked for by."""


def without_texts(fact: Mapping[str, JsonValue], *, anonymous: bool) -> dict[str, JsonValue]:
    """A fact of ``relato.notes`` as JSON has it, with no word that anybody wrote; ``anonymous``: and no name.

    Done twice it is the same. What was absent or empty stays so, and reasons that are codes stay.
    """
    coded = fact.get("release_outcome") is not None
    gone = (TEXTS - {"reason"} if coded else TEXTS) | (NAMES if anonymous else frozenset())
    return {name: ERASED if name in gone and value else value for name, value in fact.items()}


def forgotten(person: PersonSaved) -> PersonSaved:
    """Somebody whose name and address are not known any more: an id remains."""
    return person.model_copy(update={"name": ERASED, "email": None, "active": False})


def untold(ticket: TicketSaved) -> TicketSaved:
    """A ticket without what its requester said of it."""
    told = ERASED if ticket.description else ticket.description
    return ticket.model_copy(update={"title": ERASED, "description": told})
