"""Pure: what many people are going to do on many tickets, the same for the same seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Literal

Given = Literal["known", "stale"]
Kind = Literal[
    "record", "correct", "solve", "retract", "show", "hide", "undo",
    "message", "chat", "view", "draft", "save", "nonsense",
]  # fmt: skip

GROUP = "estacoes"
COMMENTER = "juliana"
"""May comment on the group's tickets, and hence record and change her own, but not write to requesters."""
EXECUTORS = ("carlos", "marina", "thiago", COMMENTER)
REQUESTERS = ("ana", "bia", "fernanda", "rafael", "emily", "lucia")
ADMINISTRATOR = "davi"
ABOUT: tuple[Kind, ...] = ("correct", "solve", "retract", "show", "hide", "undo")
"""Kinds that are about a record."""
_SAVED_EVERY = 3
"""Of so many tickets one is published anew, again and again."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command of somebody's; ``token`` is in its text and nowhere else."""

    token: str
    kind: Kind
    person: str
    internal: bool = False
    visible: bool = False
    by_mail: bool = False
    hold: int = 0
    """For so many seconds it is held back."""
    about: str | None = None
    """The token of the record that it is about."""
    given: Given | None = None
    """Whether it says which version its author knows, and whether that is one from before the record."""


@dataclass(frozen=True, slots=True)
class Lane:
    """What one person does on one ticket, one after the other."""

    ticket_id: str
    requester: str
    steps: tuple[Step, ...]


def plan(random: Random, run: str, *, tickets: int, steps: int) -> list[Lane]:
    """For each ticket two who execute it, its requester, and for some who publishes them."""
    numbers = count(1)
    lanes = []
    for number in range(1, tickets + 1):
        ticket_id = f"{run}-{number:02}"
        requester = random.choice(REQUESTERS)
        publishers = () if number % _SAVED_EVERY else (ADMINISTRATOR,)
        for person in (*random.sample(EXECUTORS, 2), requester, *publishers):
            done: list[Step] = []
            for _ in range(steps):
                token = f"{run}t{next(numbers):05}z"
                if person == ADMINISTRATOR:
                    done.append(Step(token, "save", person))
                elif person == requester:
                    done.append(_requesters_step(random, token, person))
                else:
                    done.append(_executors_step(random, token, person, done))
            lanes.append(Lane(ticket_id, requester, tuple(done)))
    return lanes


def _executors_step(random: Random, token: str, person: str, done: Sequence[Step]) -> Step:
    if done and done[-1].hold and random.random() < 0.5:
        return Step(token, "undo", person, about=done[-1].token)
    kind: Kind = random.choices(
        ("record", "correct", "solve", "retract", "show", "hide", "message", "chat", "draft", "nonsense"),
        (40, 10, 7, 5, 6, 5, 12, 8, 6, 4),
    )[0]
    if kind in ABOUT:
        # What is written as internal is never shown: wherever a requester finds it, it leaked.
        # What is held back is shown by nothing but its time, so that one can tell whether it was.
        records = [step for step in done if step.kind == "record"]
        can = [step for step in records if not (kind == "show" and (step.internal or step.hold))]
        if can:
            about = random.choice(can)
            by_mail = kind == "show" and random.random() < 0.5
            given: Given | None = random.choices((None, "known", "stale"), (50, 40, 10))[0]
            return Step(
                token, kind, person, about.internal, by_mail=by_mail, about=about.token, given=given
            )  # fmt: skip
        kind = "record"
    if kind == "record":
        internal = random.random() < 0.4
        visible = not internal and random.random() < 0.8
        by_mail = visible and random.random() < 0.7
        hold = random.choice((1, 3, 5)) if visible and random.random() < 0.4 else 0
        return Step(token, kind, person, internal, visible, by_mail, hold)
    return Step(
        token, kind, person, internal=kind == "draft", by_mail=kind == "message" and random.random() < 0.7
    )


def _requesters_step(random: Random, token: str, person: str) -> Step:
    kind: Kind = random.choices(
        ("record", "message", "chat", "view", "draft", "nonsense"), (24, 24, 24, 18, 5, 5)
    )[0]
    return Step(token, kind, person, visible=kind == "record")
