"""What a history tells of facts about notes: which each is about, and what it put in the place of what."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from portal_query.view import Row


@dataclass(frozen=True, slots=True)
class Change:
    """What a field said before a fact, and after it; None where it said nothing."""

    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Subject:
    """A note or message: by whom, and when it was recorded. Neither ever changes."""

    kind: str
    author_name: str
    recorded_at: datetime


@dataclass(slots=True)
class Told:
    """Subjects by their ids, and what facts changed, by their versions on the ticket and by field."""

    subjects: dict[UUID, Subject] = field(default_factory=dict)
    changes: dict[int, Mapping[str, Change]] = field(default_factory=dict)


def told(facts: Iterable[Row]) -> Told:
    """From all facts about some notes and messages, in the order of their versions."""
    made = Told()
    now: dict[UUID, dict[str, Any]] = {}
    for fact in facts:
        subject_id, data = fact["subject_id"], json.loads(fact["data"])
        if fact["kind"] != "action":
            made.subjects[subject_id] = Subject(fact["kind"], fact["author_name"], fact["recorded_at"])
            now[subject_id] = {name: data.get(name) for name in _FIELDS}
            continue
        known = now[subject_id]
        after = {name: data[name] for name in _FIELDS if name in data}
        if fact["action"] == "occurrence-solved":
            after["time_spent_minutes"] += known["time_spent_minutes"]
        made.changes[fact["version"]] = {
            name: Change(known[name], value) for name, value in after.items() if known[name] != value
        }
        known |= after
    return made


_FIELDS = (
    "description_html",
    "solution_html",
    "occurred_at",
    "time_spent_minutes",
    "category_id",
    "origin_id",
)
"""Who sees a note is told in words of its own."""
