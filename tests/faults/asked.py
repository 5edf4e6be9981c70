"""Pure: a step of a plan as HTTP says it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.faults.plan import GROUP, Lane, Step

MARK = "SOMENTE-INTERNO"
"""Stands in every text that a requester must never see."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, which is sent again as it is while nobody knows what became of it."""

    path: str
    body: Mapping[str, object]
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """What somebody knows of a record of theirs."""

    occurrence_id: str
    recorded: int
    """Its version when it was recorded."""
    version: int
    """That of the last that they heard about it."""


def asked(step: Step, lane: Lane, about: Known | None, seen: int) -> Asked:
    """The request of a step ``about`` a record; ``seen`` is how far its author knows the ticket."""
    ticket = f"/api/notes/tickets/{lane.ticket_id}"
    match step.kind:
        case "draft":
            return Asked(f"{ticket}/drafts/occurrence", draft(step), "PUT")
        case "save":
            path = f"/api/notes/itsm/tickets/{lane.ticket_id}"
            return Asked(path, ticket_fact(lane, title(lane.ticket_id, step.token)), "PUT")
    headers = {"Idempotency-Key": step.token}
    if step.given is not None and about is not None:
        version = about.version if step.given == "known" else about.recorded - 1
        headers["If-Match"] = f'"{version}"'
    path, body = _command(step, "" if about is None else f"/occurrences/{about.occurrence_id}", seen)
    return Asked(ticket + path, body, headers=headers)


def draft(step: Step) -> dict[str, object]:
    """What somebody began to write."""
    return {"text": f"{MARK if step.internal else 'Rascunho'} {step.token}"}


def title(ticket_id: str, token: str = "") -> str:
    """What a ticket is called since a step."""
    return f"Chamado {ticket_id} {token}".strip()


def ticket_fact(lane: Lane, title: str) -> dict[str, object]:
    """A ticket of the load as the ITSM publishes it; every second one has a responsible."""
    fact: dict[str, object] = {
        "ticket_id": lane.ticket_id,
        "title": title,
        "status": "in-progress",
        "requester_id": lane.requester,
        "group_id": GROUP,
        "opened_at": "2026-11-20T09:00:00-03:00",
    }
    return fact | ({} if int(lane.ticket_id.rpartition("-")[2]) % 2 else {"responsible_id": "carlos"})


def _command(step: Step, occurrence: str, seen: int) -> tuple[str, dict[str, object]]:
    text = f"<p>{MARK if step.internal else 'Atendimento'} {step.token}</p>"
    reason = f"{MARK} {step.token}"
    match step.kind:
        case "record":
            held = {"hold_seconds": step.hold} if step.hold else {}
            return "/occurrences", held | {
                "description_html": text,
                "occurred_at": (datetime.now(UTC) - timedelta(hours=2)).isoformat(),
                "visible_to_requester": step.visible,
                "notify_by_email": step.by_mail,
            }
        case "correct":
            return occurrence + "/corrections", {"description_html": text, "reason": reason}
        case "solve":
            return occurrence + "/solution", {"solution_html": text, "time_spent_minutes": 5}
        case "retract":
            return occurrence + "/retraction", {"reason": reason}
        case "show" | "hide":
            return occurrence + "/visibility", {
                "visible_to_requester": step.kind == "show",
                "notify_by_email": step.by_mail,
                "reason": reason,
            }
        case "undo":
            return occurrence + "/undo", {}
        case "message":
            return "/messages", {"text_html": text, "notify_by_email": step.by_mail}
        case "chat":
            return "/chat", {"text": f"Mensagem {step.token}"}
        case "view":
            return "/views", {"up_to_version": seen}
        case "nonsense":
            return "/messages", {"text_html": "<p> </p>"}
        case "draft" | "save":
            raise ValueError(f"{step.kind} is no command")
