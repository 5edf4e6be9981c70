"""Rows as the JSON of ``shapes``: pure functions, and nothing but names."""

import json
from collections.abc import Mapping
from html import escape
from typing import Any, Protocol, TypeVar, cast

from portal_query.mail_view import decided, emails
from portal_query.shapes import Entry, Gone, Mail, Person, Present, Request, RequestEntry, Seen, Ticket

Shape = TypeVar("Shape")


class Row(Protocol):
    """A row of a statement, or what stands in for one."""

    def __getitem__(self, column: str, /) -> Any:  # a column's type is the statement's to say
        ...


def ticket(row: Row) -> Ticket:
    """A ticket as the desk shows it."""
    responsible = row["responsible_id"] and _person(row["responsible_id"], row["responsible_name"])
    return _present(
        Ticket(
            ticket_id=row["ticket_id"],
            title=row["title"],
            status=row["status"],
            requester=_person(row["requester_id"], row["requester_name"]),
            group={"id": row["group_id"], "name": row["group_name"]},
            responsible=responsible,
            opened_at=row["opened_at"],
            time_spent_minutes=row["time_spent_minutes"],
            last_version=row["last_version"],
            last_activity_at=row["last_activity_at"],
            unread=row["unread"],
        )
    )


def entry(row: Row) -> Entry:
    """A line of a ticket's history for executors."""
    common = {
        "version": row["version"],
        "kind": row["kind"],
        "event_id": row["event_id"],
        "recorded_at": row["recorded_at"],
        "happened_at": row["happened_at"],
        "author": row["author_id"] and _person(row["author_id"], row["author_name"]),
    }
    match row["kind"]:
        case "occurrence":
            particular = _occurrence(row)
        case "message":
            particular = _message(row)
        case "chat":
            particular = _chat(row["subject_id"], json.loads(row["data"]))
        case "mail":
            particular = _mail(row)
        case _:
            particular = _action(row)
    return cast(Entry, _present({**common, **particular}))


def chat_line(row: Row) -> Entry:
    """A line of chat, from a row of ``chat_entries``."""
    common = {
        "version": row["version"],
        "kind": "chat",
        "recorded_at": row["recorded_at"],
        "happened_at": row["recorded_at"],
        "author": _person(row["author_id"], row["author_name"]),
    }
    line = {"sender": row["sender"], "text": row["text"]}
    return cast(Entry, common | _chat(row["message_id"], line))


def mail(row: Row) -> Mail:
    """What became of a mail."""
    told = {name: row[name] for name in _OUTCOME}
    return cast(Mail, _present(told | decided(row["state"], row["at"], row["decision"])))


def mail_of_entry(row: Row) -> Mail:
    """What became of a mail, from the fact that says so in the ticket's history."""
    fact = json.loads(row["data"])
    return mail(
        {**fact, "state": _mail_state(row), "reason": fact.get("reason"), "decision": fact.get("decision")}
    )


def request(row: Row, description: str | None = None) -> Request:
    """A ticket as its requester sees it; what they asked for stands where the ticket stands alone."""
    made = Request(
        ticket_id=row["ticket_id"],
        title=row["title"],
        status=row["status"],
        requester=_person(row["requester_id"], row["requester_name"]),
        opened_at=row["opened_at"],
        last_activity_at=row["last_activity_at"],
        last_version=row["last_version"],
        unread=row["unread"],
    )
    if description is not None:
        made["description"] = description
    return made


def request_entry(row: Row) -> RequestEntry:
    """A line of a ticket's history, or of its chat, for its requester."""
    common = {
        "version": row["current_version"],
        "kind": row["kind"],
        "recorded_at": row["recorded_at"],
        "happened_at": row["happened_at"],
        "author": _person(row["author_id"], row["author_name"]),
    }
    match row["kind"]:
        case "occurrence":
            particular = {
                "occurrence_id": row["subject_id"],
                "description_html": row["description_html"],
                "solution_html": row["solution_html"],
                "corrected": row["corrected"],
            }
        case "message":
            particular = {"message_id": row["subject_id"], "description_html": row["description_html"]}
        case _:
            particular = _chat(row["subject_id"], row)
    return cast(RequestEntry, _present({**common, **particular}))


def gone(row: Row) -> Gone:
    """An entry that its requester can no longer see: which, and nothing else."""
    return Gone(occurrence_id=row["subject_id"])


def seen(row: Row) -> Seen:
    """How far a requester had read, and when."""
    return Seen(up_to_version=json.loads(row["data"])["up_to_version"], seen_at=row["recorded_at"])


def present(row: Row) -> Present:
    """Somebody who is there."""
    return Present(id=row["person_id"], name=row["name"], state=row["state"])


def _occurrence(row: Row) -> Mapping[str, object]:
    earlier = row["earlier"]
    held = {} if row["release"] is None else json.loads(row["release"])
    release = held.get("held") or {}
    return {
        "version": row["occurrence_version"],
        "occurrence_id": row["subject_id"],
        "happened_at": row["occurred_at"],
        "channel": row["channel"],
        "description_html": row["description_html"],
        "time_spent_minutes": row["time_spent_minutes"],
        "solution_html": row["solution_html"],
        "category_id": row["category_id"],
        "origin_id": row["origin_id"],
        "visible_to_requester": row["visible_to_requester"],
        "notify_by_email": row["notify_by_email"],
        "release_at": release.get("at"),
        "release_by_email": release.get("notify_by_email"),
        "release_author_id": (release and held["by"]) or None,
        "release_recorded": (release and held["new"]) or None,
        "corrected": row["corrected"],
        "retracted": row["retracted"],
        "retraction": row["retraction"] and json.loads(row["retraction"]),
        "earlier": json.loads(earlier),
        "emails": emails(row["emails"]),
        "seen_at": row["seen_at"],
    }


def _message(row: Row) -> Mapping[str, object]:
    fact = json.loads(row["data"])
    return {
        "message_id": row["subject_id"],
        "description_html": fact["text_html"],
        "notify_by_email": fact.get("notify_by_email"),
        "emails": emails(row["emails"]),
        "seen_at": row["seen_at"],
    }


def _chat(message_id: object, line: Row) -> dict[str, object]:
    """Chat is plain text, and pages draw it as that; as HTML programs can show it as any other entry."""
    return {
        "message_id": message_id,
        "sender": line["sender"],
        "text": line["text"],
        "description_html": "<p>" + escape(line["text"]).replace("\n", "<br>") + "</p>",
    }


def _mail(row: Row) -> Mapping[str, object]:
    fact = json.loads(row["data"])
    outcome = {name: fact.get(name) for name in ("mail_id", "recipient", "at", "reason")}
    state = _mail_state(row)
    return {
        "action": row["action"],
        "subject_id": row["subject_id"],
        "reason": fact.get("reason"),
        "emails": [_present(outcome | {"state": state} | decided(state, fact["at"], fact.get("decision")))],
    }


def _mail_state(row: Row) -> str:
    return str(row["action"]).removeprefix("email-")


def _action(row: Row) -> Mapping[str, object]:
    fact = json.loads(row["data"])
    about_occurrence = row["subject_id"] is not None
    return {
        "action": row["action"],
        "subject_id": row["subject_id"],
        "reason": fact.get("reason") or fact.get("cause"),
        "release_at": fact.get("release", {}).get("at"),
        "release_by_email": fact.get("release", {}).get("notify_by_email"),
        "release_outcome": fact.get("release_outcome"),
        "changes": _changes(row["action"], fact, about_occurrence),
    }


def _changes(action: str, fact: Mapping[str, object], about_occurrence: bool) -> dict[str, object] | None:
    if "release" in fact or fact.get("release_outcome") in {"withheld", "undone"}:
        return None  # nobody sees anything else than before
    if about_occurrence:
        return {name: {"to": fact[name]} for name in _CHANGEABLE if name in fact} or None
    if action.endswith("-changed"):
        return {action.removesuffix("-changed"): {"from": fact["from"], "to": fact["to"]}}
    return None


_OUTCOME = (
    "mail_id", "event_id", "event_version", "subject_id", "recipient", "recipient_role", "template_id",
    "state", "at", "reason",
)  # fmt: skip
_CHANGEABLE = (
    "description_html", "occurred_at", "time_spent_minutes", "solution_html", "category_id", "origin_id",
    "visible_to_requester", "notify_by_email",
)  # fmt: skip


def _person(person_id: str, name: str) -> Person:
    return Person(id=person_id, name=name)


def _present(shape: Shape) -> Shape:
    """Without what does not apply."""
    known = cast(Mapping[str, object], shape)
    return cast(Shape, {name: value for name, value in known.items() if value is not None})
