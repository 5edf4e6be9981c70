"""What both histories must show after a fault, and what they show."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from tests.faults import standing
from tests.faults.asked import draft, title
from tests.faults.load import Load, Told
from tests.faults.reading import answer, items
from tests.faults.site import Site
from tests.faults.standing import Expected, Item

if TYPE_CHECKING:
    from tests.faults.oracle import Logged

_READER = "carlos"
_AT_ONCE = 6
"""Tickets that are looked at."""


async def violations(site: Site, load: Load, log: Mapping[tuple[str, int], "Logged"]) -> list[str]:
    """What the tables and the APIs show otherwise."""
    found = list(await _tables(site, load, log))
    turn = asyncio.Semaphore(_AT_ONCE)

    def wanted(ticket_id: str) -> Expected:
        shown = (each for each in log.values() if each.ticket_id == ticket_id and each.is_release)
        return standing.expected(load, ticket_id, {str(each.subject_id): each.version for each in shown})

    async def looked_at(ticket_id: str, requester: str) -> list[str]:
        async with turn:
            return [
                *await _ticket(site, wanted(ticket_id), ticket_id, requester),
                *await _title(site, load, ticket_id, requester),
            ]

    every = await asyncio.gather(*(looked_at(*each) for each in sorted(load.tickets.items())))
    return [*found, *(each for some in every for each in some), *await _drafts(site, load)]


async def _ticket(site: Site, wanted: Expected, ticket_id: str, requester: str) -> list[str]:
    """Its history and its chat, on the desk and in the portal, and what of it is news."""
    history = await items(site, _READER, f"/tickets/{ticket_id}/history")
    chat = await items(site, _READER, f"/tickets/{ticket_id}/chat")
    mine = await items(site, requester, f"/my/requests/{ticket_id}/history")
    my_chat = await items(site, requester, f"/my/requests/{ticket_id}/chat")
    unread = (await answer(site, requester, f"/api/portal/my/requests/{ticket_id}")).json()["unread"]
    entries = [item for item in history if item["kind"] in {"occurrence", "message"}]
    return [
        *_differs(f"the history of {ticket_id}", entries, wanted.entries),
        *_differs(f"the chat of {ticket_id}", chat, wanted.chat),
        *_differs(f"the requester's history of {ticket_id}", mine, wanted.shown),
        *_differs(f"the requester's chat of {ticket_id}", my_chat, wanted.chat),
        *(f"the history of {ticket_id} shows {each}" for each in standing.on_desk(wanted, entries)),
        *(
            f"the requester's history of {ticket_id} shows {each}"
            for each in standing.in_portal(wanted, mine)
        ),
        *_unread(ticket_id, unread, wanted.unread),
    ]


def _unread(ticket_id: str, told: int, wanted: int) -> Iterator[str]:
    if told != wanted:
        yield f"{ticket_id} has {told} news for its requester, and should have {wanted}"


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


def _differs(where: str, items: Iterable[Item], wanted: Iterable[str]) -> Iterator[str]:
    there, should = (
        Counter(map(standing.identity, items)),
        Counter(list(wanted)),
    )  # of a mapping it takes values
    for subject in there - should:
        yield f"{where} shows {subject}, which it should not, or twice"
    for subject in should - there:
        yield f"{where} lacks {subject}"
