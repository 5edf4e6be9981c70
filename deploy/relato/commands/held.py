"""What services hold of a person, put together: how much is still to go, and what keeps it from that."""

from datetime import datetime
from typing import Any

_REWRITING = ("notes", "history-projector", "notifier")
"""Those with topics and a database of their own."""
SERVICES = (*_REWRITING, "portal-query")
_LEFT = {
    "not-read": "The group {group} had not read all that was cut off of {topic}, partition {partition}.",
    "not-compacted": "{topic} still says more somewhere: it is not compacted, or not yet.",
}
_SAID = ("events", "ticket_entries", "relato.notes")
"""Where there is what was said."""


def through(held: dict[str, Any]) -> bool:
    """Pure: whether every service has done its part, rows, topics and files, since notes was told to."""
    told = held["forgetting"]
    rows = held | {"items": [each for each in held["items"] if each["kind"] == "table"]}
    return not left_over(rows) and all(
        (each := told[service]) is not None and each["done"] and _erased_at(each) >= _erased_at(told["notes"])
        for service in _REWRITING
    )


def _erased_at(forgetting: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(forgetting["erased_at"])


def troubles(held: dict[str, Any]) -> list[str]:
    """Pure: what keeps services from getting on."""
    told = held["forgetting"]
    return [f"{name}: {each['trouble']}" for name, each in told.items() if each and each["trouble"]]


def remarks(held: dict[str, Any]) -> list[str]:
    """Pure: that, and what services had to leave to others."""
    left = [each for service in held["forgetting"].values() if service for each in service["left"]]
    return [*troubles(held), *(_LEFT[each["kind"]].format(**each) for each in left)]


def said_since(held: dict[str, Any]) -> int:
    """Pure: what the log has of somebody once notes has erased them, which others have said meanwhile."""
    log = ("notes", "events")
    return sum(each["number"] for each in held["items"] if (each["service"], each["name"]) == log)


def left_over(held: dict[str, Any]) -> int:
    """Pure: rows and records that are still to go; what the log has then, histories and topic may have."""
    since = said_since(held)
    return sum(
        max(0, each["number"] - (since if each["name"].endswith(_SAID) else 0)) for each in held["items"]
    )
