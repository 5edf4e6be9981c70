"""Which tickets the company has: pure, the same for the same seed and moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import cycle, islice
from random import Random
from zoneinfo import ZoneInfo

from relato_contracts.itsm import TicketSaved, TicketStatus

from relato.demo.content import GroupContent, Scenario, organisation, scenarios

FIRST, COUNT = 1001, 200
FIXED = frozenset({"1001", "1002"})
"""The tickets that people are told of."""
LAST = str(FIRST + COUNT - 1)
_SINCE = timedelta(days=42)
_NEWEST = timedelta(minutes=47)
"""How long before the moment of the data its last ticket was opened."""
_OLDER: dict[TicketStatus, int] = {
    "closed": 92, "cancelled": 12, "resolved": 14, "in-progress": 16, "suspended": 6,
}  # fmt: skip
_NEWER: dict[TicketStatus, int] = {
    "closed": 4, "cancelled": 2, "resolved": 6, "in-progress": 26, "suspended": 4, "open": 15,
}  # fmt: skip
_ZONE = ZoneInfo("America/Sao_Paulo")


@dataclass(frozen=True, slots=True)
class DemoTicket:
    """A ticket, what it is about, and the states it goes through."""

    scenario: Scenario
    words: dict[str, str]
    """What is filled into the scenario's texts."""
    beginning: tuple[TicketSaved, ...]
    """As it was opened and, unless nobody took it yet, as it is worked on."""
    end: TicketSaved
    """As it stands when everything on it is recorded; a closed one would not accept any more."""
    worked_until: datetime


def moment_of(last_opened_at: datetime) -> datetime:
    """The moment of data whose last ticket was opened then."""
    return last_opened_at + _NEWEST


def tickets(seed: int, moment: datetime) -> tuple[DemoTicket, ...]:
    """All tickets, opened during the six weeks before a moment; the fixed ones first."""
    random = Random(f"{seed}/tickets")  # noqa: S311  # no secret
    # Apart, for how many draws it takes depends on the moment, and everything else shall not.
    times = Random(f"{seed}/times")  # noqa: S311
    opened = [*moments(times, moment - _SINCE, moment - timedelta(hours=2), COUNT - 3), moment - _NEWEST]
    statuses = [*_shuffled(random, _OLDER), *_shuffled(random, _NEWER)]
    kinds = scenarios().scenario
    by_chance = [
        _by_chance(
            random,
            kind,
            ticket_id=str(FIRST + 2 + index),
            opened_at=opened_at,
            status=status,
            moment=moment,
        )
        for index, (kind, opened_at, status) in enumerate(
            zip(
                islice(cycle(random.sample(kinds, len(kinds))), COUNT - 2),
                opened,
                [*statuses, "in-progress"],
                strict=True,
            )
        )
    ]
    fixed = (("1001", kinds[0], "ana", "carlos", 2), ("1002", kinds[2], "bia", "marina", 1))
    return (
        *(
            _ticket(
                random,
                kind,
                ticket_id=ticket_id,
                requester=requester,
                responsible=responsible,
                opened_at=moment - timedelta(days=days),
                status="in-progress",
                moment=moment,
            )
            for ticket_id, kind, requester, responsible, days in fixed
        ),
        *by_chance,
    )


def moments(random: Random, start: datetime, end: datetime, count: int) -> list[datetime]:
    """So many moments in order between two, in office hours as far as there are any."""
    found = []
    for _ in range(count):
        for _ in range(40):
            moment = start + (end - start) * random.random()
            local = moment.astimezone(_ZONE)
            if local.weekday() < 5 and 8 <= local.hour < 18:
                break
        found.append(moment.replace(microsecond=0))
    return sorted(found)


def _shuffled(random: Random, counts: dict[TicketStatus, int]) -> list[TicketStatus]:
    statuses = [status for status, count in counts.items() for _ in range(count)]
    random.shuffle(statuses)
    return statuses


def _by_chance(
    random: Random,
    scenario: Scenario,
    *,
    ticket_id: str,
    opened_at: datetime,
    status: TicketStatus,
    moment: datetime,
) -> DemoTicket:
    return _ticket(
        random,
        scenario,
        ticket_id=ticket_id,
        requester=random.choice(_requesters(left_too=status in {"closed", "cancelled"})),
        responsible=None if status == "open" else random.choice(group_of(scenario).members),
        opened_at=opened_at,
        status=status,
        moment=moment,
    )


def _ticket(
    random: Random,
    scenario: Scenario,
    *,
    ticket_id: str,
    requester: str,
    responsible: str | None,
    opened_at: datetime,
    status: TicketStatus,
    moment: datetime,
) -> DemoTicket:
    words = _words(random)
    chosen = scenario.titles[0] if ticket_id in FIXED else random.choice(scenario.titles)
    title = chosen.format(**words)
    described = scenarios().described
    opened = TicketSaved(
        ticket_id=ticket_id,
        title=title,
        description=described[int(ticket_id) % len(described)].format(title=title, **words),
        status="open",
        requester_id=requester,
        group_id=scenario.group,
        opened_at=opened_at,
    )
    worked_on = opened.model_copy(update={"status": "in-progress", "responsible_id": responsible})
    days = timedelta(days=random.uniform(0.5, 6))
    return DemoTicket(
        scenario=scenario,
        words=words,
        beginning=(opened,) if status == "open" else (opened, worked_on),
        end=opened if status == "open" else worked_on.model_copy(update={"status": status}),
        worked_until=min(opened_at + days, moment - timedelta(minutes=10)),
    )


def group_of(scenario: Scenario) -> GroupContent:
    """The group that executes tickets of that kind."""
    return next(group for group in organisation().group if group.id == scenario.group)


def _requesters(*, left_too: bool) -> Sequence[str]:
    """Those who are in no group and have no office; tickets of old may be of someone who has left."""
    executors = {member for group in organisation().group for member in group.members}
    return [
        person_id
        for person_id, person in organisation().people.items()
        if person_id not in executors | {"davi", "olga"} and (left_too or person.active)
    ]


def _words(random: Random) -> dict[str, str]:
    return {
        "patrimonio": f"PAT-{random.randrange(10_000, 60_000):06}",
        "ramal": str(random.randrange(4_100, 4_990)),
        "sala": f"{random.randrange(1, 9)}.{random.randrange(1, 30):02}",
        "ip": f"10.24.{random.randrange(1, 64)}.{random.randrange(10, 250)}",
        "filial": random.choice(
            ["filial Campinas", "loja 27", "unidade Contagem", "filial Recife", "loja 8"]
        ),
        "protocolo": str(random.randrange(10_000_000, 99_999_999)),
        "valor": str(random.randrange(61, 98)),
    }
