"""What people decided about mails, and what they still have to: pure."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any


def emails(listed: str | None) -> list[dict[str, object]]:
    """What became of the mails about an entry, from JSON."""
    return [
        each | decided(each["state"], each["at"], each.get("decision"))
        for each in ([] if listed is None else json.loads(listed))
    ]


def decided(state: str, at: datetime | str, decision: Mapping[str, Any] | str | None) -> dict[str, object]:
    """Who decided about a mail, and whether somebody has to.

    A decision is told at once, with the outcome as it was; what is later than it is what followed.
    """
    made: Mapping[str, Any] | None = json.loads(decision) if isinstance(decision, str) else decision
    told: dict[str, object] = {} if made is None else {"decision": made}
    if state == "uncertain" and (made is None or _moment(made["at"]) < _moment(at)):
        told["awaits_decision"] = True
    return told


def _moment(at: datetime | str) -> datetime:
    return datetime.fromisoformat(at) if isinstance(at, str) else at
