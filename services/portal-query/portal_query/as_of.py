"""An entry as it stood at a moment: the fact that it is made of, folded with what followed until then."""

import json
from collections.abc import Mapping

from portal_query.view import Row


def as_of(row: Row) -> Mapping[str, object]:
    """A row of the history up to a moment, with the columns of one of the present history."""
    facts = [] if row["facts"] is None else json.loads(row["facts"])
    shared = {
        name: row[name]
        for name in (
            "version", "event_id", "kind", "action", "subject_id", "recorded_at", "happened_at", "author_id",
            "author_name", "data", "seen_at",
        )
    }  # fmt: skip
    shared["emails"] = _emails(facts)
    if row["kind"] != "occurrence":
        return shared
    occurrence = _recorded(row)
    for fact in facts:
        if fact["kind"] == "action":
            _follow(occurrence, fact)
    del occurrence["described"]
    last = occurrence["release"]
    assert isinstance(last, dict)
    occurrence["release"] = json.dumps(last) if last["held"] and not occurrence["retracted"] else None
    occurrence["earlier"] = json.dumps(occurrence["earlier"])
    return shared | occurrence | ({} if occurrence["visible_to_requester"] else {"seen_at": None})


def _recorded(row: Row) -> dict[str, object]:
    """The occurrence as it was recorded."""
    fact = json.loads(row["data"])
    return {
        "occurrence_version": row["version"],
        "occurred_at": row["happened_at"],
        "corrected": False,
        "retracted": False,
        "earlier": [],
        "described": {
            "version": row["version"],
            "author": {"id": row["author_id"], "name": row["author_name"]},
            "recorded_at": row["recorded_at"].isoformat(),
        },
        "release": {"held": fact.get("release"), "by": row["author_id"], "new": True},
        "retraction": None,
        "shown_version": row["version"],
        "shown_corrected": False,
        **{name: fact.get(name) for name in _FIELDS},
    }


def _follow(occurrence: dict[str, object], fact: Row) -> None:
    """What one later fact did to the occurrence."""
    data = fact["data"]
    occurrence["occurrence_version"] = fact["version"]
    match fact["action"]:
        case "occurrence-corrected":
            _correct(occurrence, fact)
        case "occurrence-solved":
            occurrence["solution_html"] = data["solution_html"]
            occurrence["shown_version"] = fact["version"]
            occurrence["time_spent_minutes"] = (
                int(str(occurrence["time_spent_minutes"])) + data["time_spent_minutes"]
            )
        case "occurrence-retracted":
            occurrence["retracted"] = True
            occurrence["retraction"] = json.dumps(
                {"reason": data["reason"], "undone": "release_outcome" in data}
                | {name: fact[name] for name in ("author", "recorded_at")}
            )
        case "occurrence-visibility-changed":
            occurrence |= {name: data[name] for name in ("visible_to_requester", "notify_by_email")}
            occurrence["shown_version"] = fact["version"]
            occurrence["release"] = {"held": data.get("release"), "by": fact["author"]["id"], "new": False}
        case action:
            raise ValueError(f"{action} is not about an occurrence")


def _correct(occurrence: dict[str, object], fact: Row) -> None:
    data = fact["data"]
    if "description_html" in data:
        described, earlier = occurrence["described"], occurrence["earlier"]
        assert isinstance(described, dict)
        assert isinstance(earlier, list)
        replaced = {"description_html": occurrence["description_html"], "reason": data["reason"]}
        earlier.append({**described, **replaced})
        occurrence["described"] = {name: fact[name] for name in ("version", "author", "recorded_at")}
    occurrence["corrected"] = True
    # As the projector has it: what is internal changes nothing that a requester sees.
    if not _SHOWN.isdisjoint(data):
        occurrence["shown_version"] = fact["version"]
        occurrence["shown_corrected"] = occurrence["shown_corrected"] or occurrence["visible_to_requester"]
    occurrence |= {name: data[name] for name in ("occurred_at", *_FIELDS) if name in data}


def _emails(facts: list[Row]) -> str:
    """What had become of each mail: the latest that was known."""
    latest: dict[str, dict[str, object]] = {}
    for fact in facts:
        if fact["kind"] == "mail":
            data = fact["data"]
            told = ("mail_id", "recipient", "at", "reason", "decision")
            outcome = {name: data[name] for name in told if name in data}
            state = fact["action"].removeprefix("email-")
            known = latest.get(data["mail_id"])
            if known is None or str(known["at"]) <= str(data["at"]):
                latest[data["mail_id"]] = outcome | {"state": state}
    return json.dumps(list(latest.values()))


_SHOWN = {"description_html", "occurred_at", "solution_html"}
_FIELDS = (
    "description_html", "time_spent_minutes", "solution_html", "category_id", "origin_id", "channel",
    "visible_to_requester", "notify_by_email",
)  # fmt: skip
