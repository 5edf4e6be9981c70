"""What both histories must show after a fault: folded from what clients were told."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.faults.asked import draft, title
from tests.faults.load import Load, Told
from tests.faults.reading import answer, items
from tests.faults.site import Site

if TYPE_CHECKING:
    from tests.faults.oracle import Logged

_READER = "carlos"
_AT_ONCE = 6
"""Tickets that are looked at."""


@dataclass
class Expected:
    """A ticket as its people should find it."""

    entries: list[str]
    """Ids in the executors' *Ticket* tab, each once."""
    chat: list[str]
    shown: dict[str, str]
    """Of what the requester sees, each id with the token of its present text."""


def expected(load: Load, ticket_id: str) -> Expected:
    """Fold what was acknowledged about a ticket, in the order of the versions that were told."""
    result = Expected([], [], {})
    texts: dict[str, str] = {}
    visible: dict[str, bool] = {}
    facts = [
        (told.accepted.version, told, told.accepted)
        for told in load.acknowledged
        if told.accepted is not None and told.accepted.recorded and told.ticket_id == ticket_id
    ]
    for _, told, accepted in sorted(facts, key=lambda fact: fact[0]):
        step, subject = told.step, accepted.occurrence_id or accepted.message_id or ""
        match step.kind:
            case "record":
                # In the end also what was held back, unless one of the following says otherwise.
                result.entries.append(subject)
                texts[subject], visible[subject] = step.token, step.visible
            case "correct":
                texts[subject] = step.token
            case "retract" | "hide" | "undo":
                visible[subject] = False
            case "show":
                visible[subject] = True
            case "message":
                result.entries.append(subject)
                texts[subject], visible[subject] = step.token, True
            case "chat":
                result.chat.append(subject)
    result.shown = {subject: texts[subject] for subject, seen in visible.items() if seen}
    return result


async def violations(site: Site, load: Load, log: Mapping[tuple[str, int], "Logged"]) -> list[str]:
    """What the tables and the APIs show otherwise."""
    found = list(await _tables(site, load, log))
    turn = asyncio.Semaphore(_AT_ONCE)

    async def looked_at(ticket_id: str, requester: str) -> list[str]:
        async with turn:
            return [
                *await _ticket(site, load, ticket_id, requester),
                *await _title(site, load, ticket_id, requester),
            ]

    every = await asyncio.gather(*(looked_at(*each) for each in sorted(load.tickets.items())))
    return [*found, *(each for some in every for each in some), *await _drafts(site, load)]


async def _ticket(site: Site, load: Load, ticket_id: str, requester: str) -> list[str]:
    """Its history and its chat, on the desk and in the portal."""
    wanted = expected(load, ticket_id)
    history = await items(site, _READER, f"/tickets/{ticket_id}/history")
    chat = await items(site, _READER, f"/tickets/{ticket_id}/chat")
    mine = await items(site, requester, f"/my/requests/{ticket_id}/history")
    my_chat = await items(site, requester, f"/my/requests/{ticket_id}/chat")
    entries = [_id(item) for item in history if item["kind"] in {"occurrence", "message"}]
    return [
        *_differs(f"the history of {ticket_id}", entries, wanted.entries),
        *_differs(f"the chat of {ticket_id}", [_id(item) for item in chat], wanted.chat),
        *_differs(f"the requester's history of {ticket_id}", [_id(item) for item in mine], [*wanted.shown]),
        *_differs(f"the requester's chat of {ticket_id}", [_id(item) for item in my_chat], wanted.chat),
        *(
            f"the requester's history of {ticket_id} shows an old text of {_id(item)}"
            for item in mine
            if wanted.shown.get(_id(item), "") not in str(item)
        ),
    ]


async def _title(site: Site, load: Load, ticket_id: str, requester: str) -> list[str]:
    """What was published last for the ITSM, as both sides see it."""
    saved = _last(each for each in load.told if (each.ticket_id, each.step.kind) == (ticket_id, "save"))
    if saved is None:
        return []
    wanted = title(ticket_id, saved.step.token)
    desk = await answer(site, _READER, f"/api/portal/tickets/{ticket_id}")
    mine = await answer(site, requester, f"/api/portal/my/requests/{ticket_id}")
    shown = {desk.json()["title"], mine.json()["title"]}
    return [] if shown == {wanted} else [f"{ticket_id} is called {shown}, and was published as {wanted!r}"]


async def _drafts(site: Site, load: Load) -> list[str]:
    """What each began to write last is there."""
    found: list[str] = []
    for ticket_id, person in sorted(
        {(lane.ticket_id, step.person) for lane in load.lanes for step in lane.steps}
    ):
        saved = _last(
            each
            for each in load.told
            if (each.ticket_id, each.step.person, each.step.kind) == (ticket_id, person, "draft")
        )
        if saved is not None:
            kept = await answer(site, person, f"/api/notes/tickets/{ticket_id}/drafts/occurrence", 200, 404)
            if kept.json() != draft(saved.step):
                found.append(f"the draft {saved.step.token} was acknowledged, and there is {kept.text}")
    return found


def _last(told: Iterator[Told]) -> Told | None:
    """The one that was acknowledged last; none where a backup has taken any of them with it."""
    every = list(told)
    kept = [each for each in every if each.outcome == "acknowledged"]
    if len(kept) != len(every) or not kept:
        return None
    return max(kept, key=lambda each: each.settled)


async def _tables(site: Site, load: Load, log: Mapping[tuple[str, int], "Logged"]) -> list[str]:
    tickets = sorted(load.tickets)
    found: list[str] = []
    async with site.sql("history") as connection:
        entries = Counter(
            (row["ticket_id"], row["version"], row["event_id"])
            for row in await connection.fetch(
                """
                SELECT ticket_id, version, event_id FROM history.ticket_entries
                WHERE version > 0 AND ticket_id = ANY($1::text[])
                """,
                tickets,
            )
        )
        for event in log.values():
            number = entries.pop((event.ticket_id, event.version, event.event_id), 0)
            if number != 1:
                found.append(
                    f"version {event.version} of {event.ticket_id} is {number} times in the audit history"
                )
        found += [f"the audit history has {place}, which the log has not" for place in entries]
        parked = await connection.fetch(
            "SELECT ticket_id, reason FROM history.parked_tickets WHERE ticket_id = ANY($1::text[])", tickets
        )
        found += [f"ticket {row['ticket_id']} is parked: {row['reason']}" for row in parked]
    return found


def _id(item: Mapping[str, Any]) -> str:
    return str(item.get("occurrence_id") or item.get("message_id"))


def _differs(where: str, shown: list[str], wanted: list[str]) -> Iterator[str]:
    there, should = Counter(shown), Counter(wanted)
    for subject in there - should:
        yield f"{where} shows {subject}, which it should not, or twice"
    for subject in should - there:
        yield f"{where} lacks {subject}"
