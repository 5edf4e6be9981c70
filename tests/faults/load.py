"""A load of commands through the front door, and the record of what each client was told."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Literal

import httpx
from pydantic import BaseModel

from tests.faults.asked import Asked, Known, asked
from tests.faults.plan import Lane, Step
from tests.faults.site import Site
from tests.support.waiting import until

_LANE_SECONDS = 2.0
"""Between two commands of one person."""
_HESITATION_SECONDS = 2.0
"""How much longer after an answer that says nothing."""
_CLIENT_SECONDS = 8.0
_UNKNOWN = {429, 500, 502, 503, 504}
"""Answers after which a client cannot know, or is told to try again."""


class Accepted(BaseModel):
    """An answer that promises a fact."""

    ticket_id: str
    version: int
    occurrence_id: str | None = None
    message_id: str | None = None
    notification: str = "none"
    recorded: bool = True
    release_at: datetime | None = None


@dataclass
class Told:
    """A command that was sent, and what its client knows about it."""

    step: Step
    ticket_id: str
    asked: Asked
    sent_at: float
    """When it was sent for the first time, by the clock of the event loop."""
    outcome: Literal["acknowledged", "refused", "unknown", "lost"] = "unknown"
    """``lost`` went with a backup that was put back."""
    accepted: Accepted | None = None
    """Of what is a fact; drafts, and what is published for the ITSM, are none."""
    status: int | None = None
    code: str = ""
    """Of the problem that it was refused with."""
    was_unknown: bool = False
    settled: int = 0
    """In which order outcomes became known."""


@dataclass
class Load:
    """The clients of one run."""

    site: Site
    lanes: Sequence[Lane]
    told: list[Told] = field(default_factory=list)
    skipped: int = 0
    """Not sent, since what they are about was not known to be there."""
    _settled: "count[int]" = field(default_factory=lambda: count(1))

    @property
    def size(self) -> int:
        """How many commands there are in all."""
        return sum(len(lane.steps) for lane in self.lanes)

    @property
    def tickets(self) -> dict[str, str]:
        """Each ticket with its requester."""
        return {lane.ticket_id: lane.requester for lane in self.lanes}

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
        known: dict[str, Known] = {}
        for place, step in enumerate(lane.steps):
            # The pace of people, not a wait for anything.
            await asyncio.sleep(max(0.0, start + place * _LANE_SECONDS - clock()))
            about = known.get(step.about or "")
            seen = self._seen(lane.ticket_id)
            if (step.about is not None and about is None) or (step.kind == "view" and not seen):
                self.skipped += 1
                continue
            told = Told(step, lane.ticket_id, asked(step, lane, about, seen), clock())
            await self._send(told)
            self.told.append(told)
            if told.outcome == "unknown":
                start += _HESITATION_SECONDS
            elif told.accepted is not None and told.accepted.occurrence_id is not None:
                version = told.accepted.version
                recorded = version if about is None else about.recorded
                known[step.about or step.token] = Known(told.accepted.occurrence_id, recorded, version)

    def _seen(self, ticket_id: str) -> int:
        versions = [
            each.accepted.version for each in self.told if each.accepted and each.ticket_id == ticket_id
        ]
        return max(versions, default=0)

    async def _send(self, told: Told) -> None:
        try:
            answer = await self.site.clients.request(
                told.asked.method,
                told.asked.path,
                json=dict(told.asked.body),
                headers={"Authorization": self.site.bearer(told.step.person), **told.asked.headers},
                timeout=_CLIENT_SECONDS,
            )
        except httpx.HTTPError:
            return
        told.status = answer.status_code
        if answer.is_success:
            told.outcome, told.settled = "acknowledged", next(self._settled)
            if told.step.kind not in {"draft", "save"}:
                told.accepted = Accepted.model_validate_json(answer.content)
        elif answer.status_code not in _UNKNOWN and not _answers_later(answer):
            told.outcome, told.settled = "refused", next(self._settled)
            told.code = _code(answer)


def _answers_later(answer: httpx.Response) -> bool:
    """A simultaneous duplicate of its key is told to come back."""
    return answer.status_code == 409 and "Retry-After" in answer.headers


def _code(answer: httpx.Response) -> str:
    """A problem's code; of what is none, how it begins."""
    try:
        return str(answer.json()["type"]).rpartition("/")[2]
    except (ValueError, KeyError, TypeError):
        return answer.text[:80]
