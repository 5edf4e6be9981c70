"""Whether each ticket's events lead to the hashes that the log has of them."""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from relato_contracts import commitments
from relato_contracts.commitments import Openings
from relato_contracts.envelope import type_name
from relato_contracts.erasure import ERASED
from relato_contracts.notes import TextErased
from relato_runtime.database import Connection
from relato_runtime.jobs import Finding

from notes.proof import chain, proofs
from notes.proof.proofs import Chained, End

_AT_ONCE = 200
"""Events, between which others get their turn: it is work for the processor, in a process that has other."""
_ERASED = type_name(TextErased)


async def prove(connection: Connection, after: str, until: str) -> list[Finding]:
    """What is wrong with the chains of the tickets behind one, up to another."""
    found: list[Finding] = []
    # What is erased meanwhile is erased together with the fact that says so.
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        ends = await proofs.ends(connection, after, until)
        place, ticket = (after, 2**31 - 1), _Ticket()
        while events := await proofs.following(connection, place, until, _AT_ONCE):
            for event in events:
                if event.ticket_id != ticket.ticket_id:
                    found += ticket.end()
                    ticket = _Ticket(event.ticket_id, ends.get(event.ticket_id))
                ticket.take(event)
            place = events[-1].ticket_id, events[-1].version
            await asyncio.sleep(0)
        found += ticket.end()
    there = await proofs.on_topic(connection, [(each.ticket_id or "", each.version or 0) for each in found])
    return [
        each._replace(detail={**each.detail, "on_topic": (each.ticket_id, each.version) in there})
        for each in found
    ]


class _Ticket:
    """A ticket's chain as far as it was read."""

    def __init__(self, ticket_id: str | None = None, end: End | None = None) -> None:
        self.ticket_id = ticket_id
        self._end = end or End(0, None)
        self._previous: tuple[int, bytes | None] = (0, None)
        self._found: list[Finding] = []
        self._shut: list[int] = []
        self._told: set[int] = set()

    def take(self, event: Chained) -> None:
        """The next event; its hash has to follow from what it says and from the stored one before it."""
        if event.type == _ERASED:
            self._told |= set(_versions(event.data))
        if event.version > self._end.chained and event.hash is None:
            return  # an older release has recorded it; it will be chained
        if wrong := self._wrong(event):
            self._found.append(Finding("forged", event.ticket_id, event.version, detail={"differs": wrong}))
        self._previous = event.version, event.hash

    def end(self) -> list[Finding]:
        """What was found, once all of the ticket is known."""
        untold = [
            Finding("forged", self.ticket_id, version, detail={"differs": ["erased"]})
            for version in self._shut
            if version not in self._told
        ]
        last, hashed = self._previous
        if self.ticket_id is not None and last >= self._end.chained and hashed != self._end.head:
            untold.append(Finding("forged", self.ticket_id, last, detail={"differs": ["head"]}))
        return self._found + untold

    def _wrong(self, event: Chained) -> list[str]:
        try:
            said = chain.stated(event)
            committed = chain.committed(event, said)
        except ValueError:
            return ["unreadable"]
        version, previous = self._previous
        wrong = []
        # Behind a hole, which is told elsewhere, there is nothing to compare with.
        if version == event.version - 1:
            before = commitments.start(event.ticket_id) if previous is None else previous
            if commitments.link(before, event.version, committed) != event.hash:
                wrong.append("hash")
        about = said.get("occurrence_id") or said.get("message_id")
        if about != (None if event.subject_id is None else str(event.subject_id)):
            wrong.append("subject")
        if event.openings is not None:
            self._shut.append(event.version)
            if not _only_texts_are_gone(chain.opened(None, event.openings), said):
                wrong.append("erased")
        return wrong


def _only_texts_are_gone(known: Openings, data: Mapping[str, Any]) -> bool:
    """Whether what nobody can check any more says nothing, and everything else can be checked."""
    gone = [name for name in data if commitments.PART_OF.get(name, "internal") in known.digests]
    return known.digests.keys().isdisjoint({"about", "internal"}) and all(
        data[name] == ERASED or not data[name] for name in gone
    )


def _versions(data: str) -> Iterable[int]:
    versions: Sequence[int] = json.loads(data).get("versions", ())
    return versions
