"""What is still to be done until the demonstration data is there: pure, from what stands on the topics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from relato_contracts.fields import Fact
from relato_contracts.itsm import ItsmFact, TicketSaved
from relato_contracts.topics import key_of

from relato.demo.facts import company
from relato.demo.story import Request, requests
from relato.demo.tickets import LAST, DemoTicket, moment_of, tickets
from relato.errors import StackError

SEED = 20261124
Standing = Mapping[tuple[type[Fact], str], Fact]
"""The last fact about each thing, by kind and key."""


class OthersTickets(StackError):
    """There are tickets already, and not these: whoever uses them does not want ours among them."""


@dataclass(frozen=True, slots=True)
class Said:
    """A fact, and since when it holds."""

    fact: ItsmFact
    since: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """What to publish, then what to request, then what to publish last."""

    mark: Sequence[Said] = ()
    """To be acknowledged before anything else: it holds the moment from which all else follows."""
    facts: Sequence[Said] = ()
    stories: Mapping[str, Sequence[Request]] = field(default_factory=dict)
    ends: Sequence[Said] = ()

    @property
    def published(self) -> int:
        """How many facts that are."""
        return len(self.mark) + len(self.facts) + len(self.ends)

    @property
    def requested(self) -> int:
        """How many requests that are."""
        return sum(len(story) for story in self.stories.values())


def plan(standing: Standing, now: datetime, seed: int = SEED) -> Plan:
    """What is missing; nothing when all was loaded before, whatever became of it since.

    A load that broke off goes on: requests are repeated with the same keys. The ends come last and
    all together, so that where one stands everything is done.
    """
    mark = standing.get((TicketSaved, LAST))
    if not isinstance(mark, TicketSaved):
        if any(kind is TicketSaved for kind, _ in standing):
            raise OthersTickets(
                "itsm.tickets holds tickets already, and not those of the demonstration. It is meant for an "
                "installation of its own."
            )
        moment = now.replace(second=0, microsecond=0)
    else:
        moment = moment_of(mark.opened_at)
    every = tickets(seed, moment)
    if any(_has_ended(ticket, standing) for ticket in every):
        return Plan()
    missing = [ticket for ticket in every if (TicketSaved, ticket.end.ticket_id) not in standing]
    return Plan(
        mark=[said for ticket in missing if ticket.end.ticket_id == LAST for said in _beginning(ticket)],
        facts=[
            *(
                Said(fact, moment - timedelta(days=60))
                for fact in company()
                if (type(fact), key_of(fact)) not in standing
            ),
            *(said for ticket in missing if ticket.end.ticket_id != LAST for said in _beginning(ticket)),
        ],
        stories={ticket.end.ticket_id: requests(seed, ticket) for ticket in every},
        ends=[Said(ticket.end, now) for ticket in every if _ends(ticket)],
    )


def _beginning(ticket: DemoTicket) -> list[Said]:
    opened_at = ticket.end.opened_at
    return [
        Said(fact, opened_at + index * timedelta(minutes=12)) for index, fact in enumerate(ticket.beginning)
    ]


def _ends(ticket: DemoTicket) -> bool:
    return ticket.end != ticket.beginning[-1]


def _has_ended(ticket: DemoTicket, standing: Standing) -> bool:
    """Whether it was brought to its end, or further."""
    stands = standing.get((TicketSaved, ticket.end.ticket_id))
    return _ends(ticket) and stands not in {None, *ticket.beginning}
