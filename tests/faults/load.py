"""A load of commands through the front door, and the record of what each client was told."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Literal

import httpx
from pydantic import BaseModel

from tests.faults.plan import Lane, Step
from tests.faults.site import Site
from tests.support.waiting import until

MARK = "SOMENTE-INTERNO"
"""Stands in every text that a requester must never see."""
_LANE_SECONDS = 0.9
"""Between two commands of one person."""
_HESITATION_SECONDS = 2.0
"""How much longer after an answer that says nothing."""
_CLIENT_SECONDS = 8.0
_UNKNOWN = {429, 500, 502, 503, 504}
"""Answers after which a client cannot know, or is told to try again."""


class Accepted(BaseModel):
    """An answer that promises."""

    ticket_id: str
    version: int
    occurrence_id: str | None = None
    message_id: str | None = None
    notification: str = "none"
    recorded: bool = True


@dataclass
class Told:
    """A command that was sent, and what its client knows about it."""

    step: Step
    ticket_id: str
    path: str
    body: Mapping[str, object]
    outcome: Literal["acknowledged", "refused", "unknown", "lost"] = "unknown"
    """``lost`` went with a backup that was put back."""
    accepted: Accepted | None = None
    status: int | None = None
    was_unknown: bool = False


@dataclass
class Load:
    """The clients of one run."""

    site: Site
    lanes: Sequence[Lane]
    told: list[Told] = field(default_factory=list)
    skipped: int = 0
    """Not sent, since what they are about was not known to be there."""

    @property
    def size(self) -> int:
        """How many commands there are in all."""
        return sum(len(lane.steps) for lane in self.lanes)

    def number(self, outcome: str) -> int:
        """How many clients were told that."""
        return sum(each.outcome == outcome for each in self.told)

    @property
    def acknowledged(self) -> list[Told]:
        """What was promised."""
        return [each for each in self.told if each.outcome == "acknowledged"]

    async def run(self) -> None:
        """Everybody at once, each at their own pace."""
        async with asyncio.TaskGroup() as people:
            for place, lane in enumerate(self.lanes):
                people.create_task(self._act(lane, place * _LANE_SECONDS / len(self.lanes)))

    async def reached(self, share: float) -> None:
        """Wait until that share of all commands was answered, whatever the answers."""

        async def answered() -> bool:
            return len(self.told) + self.skipped >= share * self.size

        await until(answered, within=120, what=f"{share:.0%} of the load")

    async def ask_again(self) -> None:
        """Send again, each with its key, what is unknown, until all of it is known."""
        for each in self.told:
            if each.outcome == "unknown":
                each.was_unknown = True

                async def known(each: Told = each) -> bool:
                    await self._send(each)
                    return each.outcome != "unknown"

                await until(known, within=30, what=f"an answer about {each.step.token}")

    async def _act(self, lane: Lane, begin: float) -> None:
        clock = asyncio.get_running_loop().time
        start = clock() + begin
        ids: dict[str, str] = {}
        for place in count():
            if place == len(lane.steps):
                return
            # The pace of people, not a wait for anything.
            await asyncio.sleep(max(0.0, start + place * _LANE_SECONDS - clock()))
            step = lane.steps[place]
            if step.about is not None and step.about not in ids:
                self.skipped += 1
                continue
            path, body = request(step, ids, self._seen(lane.ticket_id))
            told = Told(step, lane.ticket_id, f"/api/notes/tickets/{lane.ticket_id}{path}", body)
            await self._send(told)
            self.told.append(told)
            if told.outcome == "unknown":
                start += _HESITATION_SECONDS
            if told.accepted and told.accepted.occurrence_id and step.kind == "record":
                ids[step.token] = told.accepted.occurrence_id

    def _seen(self, ticket_id: str) -> int:
        versions = [
            each.accepted.version for each in self.told if each.accepted and each.ticket_id == ticket_id
        ]
        return max(versions, default=1)

    async def _send(self, told: Told) -> None:
        headers = {
            "Authorization": self.site.bearer(told.step.person),
            "Idempotency-Key": told.step.token,
        }
        try:
            answer = await self.site.http.post(
                told.path, json=dict(told.body), headers=headers, timeout=_CLIENT_SECONDS
            )
        except httpx.HTTPError:
            return
        told.status = answer.status_code
        if answer.is_success:
            told.outcome, told.accepted = "acknowledged", Accepted.model_validate_json(answer.content)
        elif answer.status_code not in _UNKNOWN and not _answers_later(answer):
            told.outcome = "refused"


def _answers_later(answer: httpx.Response) -> bool:
    """A simultaneous duplicate of its key is told to come back."""
    return answer.status_code == 409 and "Retry-After" in answer.headers


def request(step: Step, ids: Mapping[str, str], seen: int) -> tuple[str, dict[str, object]]:
    """Path and body of a step; ``ids`` are the occurrences by the tokens of their records."""
    text = f"<p>{MARK if step.internal else 'Atendimento'} {step.token}</p>"
    reason = f"{MARK} {step.token}"
    occurrence = f"/occurrences/{ids[step.about]}" if step.about is not None else ""
    match step.kind:
        case "record":
            return "/occurrences", {
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
        case "message":
            return "/messages", {"text_html": text, "notify_by_email": step.by_mail}
        case "chat":
            return "/chat", {"text": f"Mensagem {step.token}"}
        case "view":
            return "/views", {"up_to_version": seen}
        case "nonsense":
            return "/messages", {"text_html": "<p> </p>"}
