"""Who acts on a service, as its routes and its audit know them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the token's ``sub`` is the ``person_id``."""

    person_id: str
    name: str
    roles: frozenset[str]
