"""Pure: how a ticket's people should find it in the end, folded from what clients were told."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.faults.load import Load, Told
from tests.faults.plan import Step

Item = Mapping[str, Any]
"""An entry as the portal answers it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An entry, or a line of chat, as it should be found."""

    author: str
    version: int
    """Of the last change of what its requester may see of it."""
    text: str
    """The token of its present text."""
    solution: str = ""
    """The token of its present solution."""
    visible: bool = True
    retracted: bool = False


@dataclass
class Expected:
    """A ticket as it should be found."""

    requester: str
    entries: dict[str, Standing] = field(default_factory=dict)
    """By id, what executors find in the *Ticket* tab, each once."""
    chat: dict[str, Standing] = field(default_factory=dict)
    seen_up_to: int = 0
    """The version up to which its requester has read."""

    @property
    def shown(self) -> dict[str, Standing]:
        """Of the entries, those that the requester finds, too."""
        return {
            subject: each for subject, each in self.entries.items() if each.visible and not each.retracted
        }

    @property
    def unread(self) -> int:
        """How much of others' the requester has not seen as it is now."""
        return sum(
            each.author != self.requester and each.version > self.seen_up_to
            for each in (*self.shown.values(), *self.chat.values())
        )

    def has_seen(self, each: Standing) -> bool:
        """Whether executors are told that the requester has seen it."""
        return each.visible and each.author != self.requester and each.version <= self.seen_up_to


def expected(load: Load, ticket_id: str, released: Mapping[str, int] | None = None) -> Expected:
    """Fold what was acknowledged about a ticket, in the order of the versions that were told.

    ``released`` are the versions at which what was held back was shown by itself, which clients are not told.
    """
    found = Expected(load.tickets[ticket_id])
    facts = [
        (told.accepted.version, told, told.accepted)
        for told in load.acknowledged
        if told.accepted is not None and told.accepted.recorded and told.ticket_id == ticket_id
    ]
    for version, told, accepted in sorted(facts, key=lambda fact: fact[0]):
        step, subject = told.step, accepted.occurrence_id or accepted.message_id or ""
        new = Standing(step.person, version, step.token)
        match step.kind:
            case "record":
                # In the end also what was held back, unless one of the following says otherwise.
                found.entries[subject] = replace(new, visible=step.visible)
            case "message":
                found.entries[subject] = new
            case "chat":
                found.chat[subject] = new
            case "view":
                found.seen_up_to = max(found.seen_up_to, _up_to(told))
            case _ if subject in found.entries:
                found.entries[subject] = _after(step, version, found.entries[subject])
    for subject, version in (released or {}).items():
        if subject in found.entries:
            before = found.entries[subject]
            found.entries[subject] = replace(before, version=max(before.version, version))
    return found


def on_desk(wanted: Expected, items: Iterable[Item]) -> Iterator[str]:
    """What executors find otherwise of the entries that should be there."""
    for item in items:
        if (each := wanted.entries.get(identity(item))) is None:
            continue  # that it is there at all is wrong, and said elsewhere
        yield from _otherwise(
            item,
            {
                **_words(item, each),
                "retraction": item.get("retracted", False) == each.retracted,
                # Whether it was released before it was taken back, nobody was told.
                "visibility": each.retracted or item.get("visible_to_requester", True) == each.visible,
                "mark of being seen": each.retracted or ("seen_at" in item) == wanted.has_seen(each),
            },
        )


def in_portal(wanted: Expected, items: Iterable[Item]) -> Iterator[str]:
    """What the requester finds otherwise of the entries that should be there."""
    for item in items:
        if (each := wanted.shown.get(identity(item))) is not None:
            yield from _otherwise(item, _words(item, each))


def identity(item: Item) -> str:
    """The id of what an entry is about."""
    return str(item.get("occurrence_id") or item.get("message_id"))


def _after(step: Step, version: int, before: Standing) -> Standing:
    match step.kind:
        case "correct":
            return replace(before, version=version, text=step.token)
        case "solve":
            return replace(before, version=version, solution=step.token)
        case "show" | "hide":
            return replace(before, version=version, visible=step.kind == "show")
        case "retract" | "undo":
            return replace(before, retracted=True)
        case _:
            return before


def _up_to(told: Told) -> int:
    version = told.asked.body["up_to_version"]
    assert isinstance(version, int)
    return version


def _words(item: Item, each: Standing) -> dict[str, bool]:
    solution = item.get("solution_html", "")
    return {
        "text": each.text in item.get("description_html", ""),
        "solution": each.solution in solution if each.solution else not solution,
    }


def _otherwise(item: Item, holds: Mapping[str, bool]) -> Iterator[str]:
    yield from (f"another {what} of {identity(item)}" for what, good in holds.items() if not good)
