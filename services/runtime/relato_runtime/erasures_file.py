"""Who was erased, in a file apart from databases and brokers: lines of JSON, person_id and erased_at."""

import json
from datetime import datetime
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)


def read(path: Path | None) -> dict[str, datetime]:
    """Everybody in the file, if there is one, and when they were erased last.

    A line that broke off says nothing.
    """
    if path is None or not path.exists():
        return {}
    known: dict[str, datetime] = {}
    for line in filter(str.strip, path.read_text(encoding="utf-8", errors="replace").splitlines()):
        try:
            said = json.loads(line)
            last(known, said["person_id"], datetime.fromisoformat(said["erased_at"]))
        except (ValueError, KeyError, TypeError):
            log.warning("a line of the erasures' file says nothing")
    return known


def last(known: dict[str, datetime], person_id: str, erased_at: datetime) -> None:
    """Who was erased more than once has lost what there was by the last time."""
    known[person_id] = max(erased_at, known.get(person_id, erased_at))
