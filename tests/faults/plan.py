"""Pure: what many people are going to do on many tickets, the same for the same seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Literal

Kind = Literal["record", "correct", "solve", "retract", "show", "hide", "message", "chat", "view", "nonsense"]

GROUP = "estacoes"
EXECUTORS = ("carlos", "marina", "thiago", "juliana")
"""Three of the group, and one who may comment on its tickets."""
REQUESTERS = ("ana", "bia", "fernanda", "rafael", "emily", "lucia")
_ABOUT: tuple[Kind, ...] = ("correct", "solve", "retract", "show", "hide")


@dataclass(frozen=True, slots=True)
class Step:
    """One command of somebody's; ``token`` is in its text and nowhere else."""

    token: str
    kind: Kind
    person: str
    internal: bool = False
    visible: bool = False
    by_mail: bool = False
    about: str | None = None
    """The token of the record that it is about."""


@dataclass(frozen=True, slots=True)
class Lane:
    """What one person does on one ticket, one after the other."""

    ticket_id: str
    requester: str
    steps: tuple[Step, ...]


def plan(random: Random, run: str, *, tickets: int, steps: int) -> list[Lane]:
    """For each ticket two who execute it and its requester."""
    numbers = count(1)
    lanes = []
    for number in range(1, tickets + 1):
        ticket_id = f"{run}-{number:02}"
        requester = random.choice(REQUESTERS)
        for person in (*random.sample(EXECUTORS, 2), requester):
            make = _requesters_step if person == requester else _executors_step
            done: list[Step] = []
            for _ in range(steps):
                done.append(make(random, f"{run}t{next(numbers):05}z", person, done))
            lanes.append(Lane(ticket_id, requester, tuple(done)))
    return lanes


def _executors_step(random: Random, token: str, person: str, done: Sequence[Step]) -> Step:
    kind: Kind = random.choices(
        ("record", "correct", "solve", "retract", "show", "hide", "message", "chat", "nonsense"),
        (40, 10, 7, 5, 6, 5, 14, 9, 4),
    )[0]
    records = [step for step in done if step.kind == "record"]
    if kind in _ABOUT:
        # What is written as internal is never shown: wherever a requester finds it, it leaked.
        can = [step for step in records if not (kind == "show" and step.internal)]
        if can:
            about = random.choice(can)
            by_mail = kind == "show" and random.random() < 0.5
            return Step(token, kind, person, internal=about.internal, by_mail=by_mail, about=about.token)
        kind = "record"
    if kind == "record":
        internal = random.random() < 0.4
        visible = not internal and random.random() < 0.8
        return Step(
            token, kind, person, internal=internal, visible=visible, by_mail=visible and random.random() < 0.7
        )
    return Step(token, kind, person, by_mail=kind == "message" and random.random() < 0.7)


def _requesters_step(random: Random, token: str, person: str, done: Sequence[Step]) -> Step:
    kind: Kind = random.choices(("record", "message", "chat", "view", "nonsense"), (25, 25, 25, 20, 5))[0]
    return Step(token, kind, person, visible=kind == "record")
