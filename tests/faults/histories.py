"""What both histories must show after a fault: folded from what clients were told."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.faults.load import MARK, Load
from tests.faults.site import Site

if TYPE_CHECKING:
    from tests.faults.oracle import Logged

_REQUESTERS = ("requester_tickets", "requester_entries", "requester_chat")


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
                result.entries.append(subject)
                texts[subject], visible[subject] = step.token, step.visible
            case "correct":
                texts[subject] = step.token
            case "retract" | "hide":
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
    for ticket_id, requester in sorted({(lane.ticket_id, lane.requester) for lane in load.lanes}):
        wanted = expected(load, ticket_id)
        person = "carlos"
        history = await _items(site, person, f"/tickets/{ticket_id}/history")
        entries = [_id(item) for item in history if item["kind"] in {"occurrence", "message"}]
        found += _differs(f"the history of {ticket_id}", entries, wanted.entries)
        chat = await _items(site, person, f"/tickets/{ticket_id}/chat")
        found += _differs(f"the chat of {ticket_id}", [_id(item) for item in chat], wanted.chat)
        mine = await _items(site, requester, f"/my/requests/{ticket_id}/history")
        found += _differs(
            f"the requester's history of {ticket_id}", [_id(item) for item in mine], wanted.shown
        )
        my_chat = await _items(site, requester, f"/my/requests/{ticket_id}/chat")
        found += _differs(
            f"the requester's chat of {ticket_id}", [_id(item) for item in my_chat], wanted.chat
        )
        found += [
            f"the requester's history of {ticket_id} shows an old text of {_id(item)}"
            for item in mine
            if wanted.shown.get(_id(item), "") not in str(item)
        ]
        if MARK in str(mine) + str(my_chat):
            found.append(f"the requester of {ticket_id} is shown internal text")
    return found


async def _tables(site: Site, load: Load, log: Mapping[tuple[str, int], "Logged"]) -> list[str]:
    tickets = sorted({lane.ticket_id for lane in load.lanes})
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
        for table in _REQUESTERS:
            # Names of this module's own, which cannot be parameters.
            leaked: int = await connection.fetchval(
                f"SELECT count(*) FROM history.{table} AS row WHERE row::text LIKE $1", f"%{MARK}%"
            )
            if leaked:
                found.append(f"{leaked} rows of {table} hold internal text")
        parked = await connection.fetch(
            "SELECT ticket_id, reason FROM history.parked_tickets WHERE ticket_id = ANY($1::text[])", tickets
        )
        found += [f"ticket {row['ticket_id']} is parked: {row['reason']}" for row in parked]
    return found


async def _items(site: Site, person: str, path: str) -> list[dict[str, Any]]:
    """All pages of something."""
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        answer = await site.http.get(
            f"/api/portal{path}",
            params={} if cursor is None else {"cursor": cursor},
            headers={"Authorization": site.bearer(person)},
        )
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        page = answer.json()
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items


def _id(item: Mapping[str, Any]) -> str:
    return str(item.get("occurrence_id") or item.get("message_id"))


def _differs(where: str, shown: list[str], wanted: "list[str] | dict[str, str]") -> Iterator[str]:
    there, should = Counter(shown), Counter(list(wanted))
    for subject in there - should:
        yield f"{where} shows {subject}, which it should not, or twice"
    for subject in should - there:
        yield f"{where} lacks {subject}"
