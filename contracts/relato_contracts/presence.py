"""Facts of the topic ``relato.presence``: who has a ticket open; they are worth seconds, not a history."""

from typing import Literal

from relato_contracts.fields import Fact, Id, UtcTime

PresenceState = Literal["viewing", "writing", "gone"]


class PersonPresent(Fact):
    """A person has a ticket open, until a moment that the next such fact moves on."""

    ticket_id: Id
    person_id: Id
    state: PresenceState
    until: UtcTime
