"""Pure: an event without what was said in it, so that its commitment still stands for what stays."""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from relato_contracts import commitments
from relato_contracts.erasure import without_texts

from notes.proof import chain


@dataclass(frozen=True, slots=True)
class Told:
    """An event of the log, as far as forgetting is about it."""

    ticket_id: str
    version: int
    event_id: UUID
    type: str
    subject_id: UUID | None
    actor: str
    correlation_id: str
    recorded_at: datetime
    data: str
    salt: bytes | None
    openings: str | None


class Forgotten(NamedTuple):
    """What the log keeps of it in the place of data and salt."""

    event: Told
    data: str
    openings: str
    anonymous: bool
    """Its author's name is gone too."""


def forget(event: Told, person_id: str | None) -> Forgotten | None:
    """The event without its texts and, if the person is its author, their name; None if it has neither."""
    author_id = json.loads(event.data).get("author_id")
    return without(event, anonymous=person_id is not None and author_id == person_id)


def without(event: Told, *, anonymous: bool) -> Forgotten | None:
    """The event without its texts and, if ``anonymous``, its author's name; None if it has neither.

    Without its salt nobody can find out by guessing what a part said that is closed.
    """
    data = json.loads(event.data)
    left = without_texts(data, anonymous=anonymous)
    if left == data:
        return None
    written = json.dumps(left, ensure_ascii=False, separators=(",", ":"))
    before, now = chain.parts(event), chain.parts(replace(event, data=written))
    gone = [part for part in commitments.PARTS if before[part] != now[part]]
    openings = commitments.closed(before, chain.opened(event.salt, event.openings), gone)
    return Forgotten(event, written, chain.written(openings), anonymous)
