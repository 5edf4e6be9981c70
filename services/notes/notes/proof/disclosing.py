"""Pure: a ticket's events as somebody who trusts nobody can check them, with what they may see of them.

Of a part that they may not see there is its digest, and of an event of which they may see nothing its
commitment alone: neither tells anything, and the chain still closes.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pydantic import JsonValue
from pydantic_core import from_json
from relato_contracts import commitments
from relato_contracts.commitments import PARTS, Part

from notes.proof import chain
from notes.proof.chain import Event

FORMAT = "relato.proof.v1"


def document(
    ticket_id: str, events: Sequence[Event], shown: Mapping[int, Collection[Part]] | None, head: JsonValue
) -> dict[str, JsonValue]:
    """The whole export; ``shown`` are the parts that may be seen, by version, or None for all of them.

    ``head`` is the signed one with the proof that the chain leads to it.
    """
    return {
        "format": FORMAT,
        "ticket_id": ticket_id,
        "events": [_event(each, PARTS if shown is None else shown.get(each.version, ())) for each in events],
        "sealed": head,
    }


def _event(event: Event, shown: Collection[Part]) -> dict[str, JsonValue]:
    if not shown:
        return {"version": event.version, "commitment": chain.commitment(event).hex()}
    by_part = chain.parts(event)
    known = chain.opened(event.salt, event.openings)
    hidden = [part for part in known.salts if part not in shown]
    given = commitments.closed(by_part, known, hidden)
    parts: dict[str, Any] = {
        part: {"digest": given.digests[part].hex()}
        if part in given.digests
        else {"salt": given.salts[part].hex(), "fields": from_json(by_part[part])}
        for part in PARTS
    }
    return {"version": event.version, "parts": parts}
