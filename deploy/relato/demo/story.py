"""What people do on a ticket, as the requests they send: pure, the same for the same seed and ticket."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from itertools import zip_longest
from random import Random
from typing import Literal
from uuid import UUID, uuid5

from relato.demo.content import NoteContent, organisation, scenarios
from relato.demo.tickets import FIXED, DemoTicket, group_of, moments

_MOST_NOTES = 12
_KEYS = UUID("4f4f3c3b-6f0f-4b0e-9d0c-4d2a55f1c1aa")
Body = Mapping[str, str | int | bool]
Action = Literal["occurrences", "messages", "chat", "views", "corrections", "visibility", "retraction"]


@dataclass(frozen=True, slots=True)
class Request:
    """One POST below a ticket of ``/api/notes``."""

    author_id: str
    action: Action
    body: Body
    about: int | None = None
    """Which of the ticket's requests recorded the occurrence that this one is about."""


def requests(seed: int, ticket: DemoTicket) -> Sequence[Request]:
    """What happens on a ticket, in its order; each becomes one fact, so its version is its place from 1."""
    name = f"{seed}/{ticket.end.ticket_id}"
    times = moments(
        Random(f"{name}/times"),  # noqa: S311  # no secret
        ticket.end.opened_at,
        ticket.worked_until,
        _MOST_NOTES,
    )
    story = _Story(Random(name), ticket, times)  # noqa: S311
    story.tell()
    return story.requests


def key(seed: int, ticket_id: str, place: int) -> str:
    """The idempotency key of a ticket's request."""
    return f"demo-{uuid5(_KEYS, f'{seed}/{ticket_id}/{place}')}"


class _Story:
    """Collects a ticket's requests."""

    def __init__(self, random: Random, ticket: DemoTicket, times: Sequence[datetime]) -> None:
        self.requests: list[Request] = []
        self._random = random
        self._ticket = ticket
        self._requester = ticket.end.requester_id
        self._present = organisation().people[self._requester].active
        self._members = group_of(ticket.scenario).members
        self._executor = ticket.end.responsible_id or self._members[0]
        self._times = iter(times)

    def tell(self) -> None:
        status, notes = self._ticket.end.status, self._ticket.scenario.notes
        fixed = self._ticket.end.ticket_id in FIXED
        if status == "open":
            if self._perhaps(0.2):
                self._message(self._requester, self._random.choice(self._ticket.scenario.portal))
            return
        match status:
            case "cancelled":
                if self._perhaps(0.5):
                    text = self._random.choice(scenarios().cancelled)
                    self._note(NoteContent(text=text, minutes=5, category="cat-remoto"))
            case "suspended":
                self._note(notes[0])
                self._message(self._executor, self._ticket.scenario.asks[0], mail=True)
            case "in-progress":
                self._work(notes[: max(1, len(notes) - 1)], often=3.0 if fixed else 1.5)
            case _:
                self._work(notes if self._perhaps(0.4) else notes[-1:], often=1.0)
        self._look_back()

    def _work(self, notes: Sequence[NoteContent], often: float) -> None:
        """Notes, then the conversation; ``often`` scales its chances.

        What is written in the portal happens when it is recorded, which is now; notes tell of days before.
        """
        scenario = self._ticket.scenario
        self._note(notes[0])
        if self._perhaps(0.04):
            self._misplaced()
        for note in notes[1:]:
            self._note(note)
        if self._perhaps(0.25 * often):
            for ask, answer in list(zip_longest(scenario.asks, scenario.answers))[: 1 + self._perhaps(0.4)]:
                self._message(self._executor, ask, mail=self._perhaps(0.3))
                if answer and self._present:
                    self._message(self._requester, answer)
        if self._perhaps(0.12 * often) and self._present:
            self._portal_note(self._random.choice(scenario.portal))
        if self._perhaps(0.15 * often) and self._present:
            self._chat()

    def _note(self, note: NoteContent) -> None:
        author = self._random.choice(self._members) if self._perhaps(0.15) else self._executor
        solved = note.solution if self._ticket.end.status in {"closed", "resolved"} else None
        body: dict[str, str | int | bool] = {
            "description_html": self._html(note.text),
            "occurred_at": next(self._times).isoformat(),
            "time_spent_minutes": note.minutes + 5 * self._random.randrange(0, 4),
            "category_id": note.category,
            "origin_id": note.origin or self._random.choice(["ori-telefone", "ori-email", "ori-presencial"]),
            "channel": "toolbar" if self._perhaps(0.25) else "execution",
            "visible_to_requester": note.visible,
            "notify_by_email": note.mail and self._perhaps(0.35),
        }
        if solved:
            body["solution_html"] = self._html(solved)
        self._add(author, "occurrences", body)

    def _portal_note(self, text: str) -> None:
        moment = next(self._times).isoformat()
        body = {"description_html": self._html(text), "occurred_at": moment, "channel": "portal"}
        self._add(self._requester, "occurrences", body)

    def _message(self, author: str, text: str, *, mail: bool = False) -> None:
        body: dict[str, str | int | bool] = {"text_html": self._html(text)}
        if mail and author != self._requester:
            body["notify_by_email"] = True
        self._add(author, "messages", body)

    def _chat(self) -> None:
        for who, text in self._ticket.scenario.chat:
            author = self._requester if who == "s" else self._executor
            self._add(author, "chat", {"text": self._filled(text)})

    def _misplaced(self) -> None:
        """A note that belongs elsewhere, and is taken back."""
        self._note(NoteContent(text=scenarios().misplaced, minutes=10, category="cat-visita"))
        place = len(self.requests) - 1
        self._add(self.requests[-1].author_id, "retraction", {"reason": scenarios().retracted}, place)

    def _look_back(self) -> None:
        """Now and then the first note is corrected or shown, and the requester reads what there is."""
        if not self.requests:
            return
        first = self.requests[0]
        if first.action == "occurrences" and self._perhaps(0.06):
            minutes = int(first.body["time_spent_minutes"]) + 20
            body: Body = {"time_spent_minutes": minutes, "reason": scenarios().corrected}
            self._add(first.author_id, "corrections", body, 0)
        elif first.action == "occurrences" and not first.body["visible_to_requester"] and self._perhaps(0.06):
            shown: Body = {"visible_to_requester": True, "reason": scenarios().shown}
            self._add(first.author_id, "visibility", shown, 0)
        if self._present and self._perhaps(0.4) and any(map(self._is_news, self.requests)):
            self._add(self._requester, "views", {"up_to_version": len(self.requests)})

    def _add(self, author: str, action: Action, body: Body, about: int | None = None) -> None:
        self.requests.append(Request(author, action, body, about))

    def _perhaps(self, chance: float) -> bool:
        return self._random.random() < chance

    def _html(self, text: str) -> str:
        filled = self._filled(text)
        return filled if filled.startswith("<") else f"<p>{escape(filled, quote=False)}</p>"

    def _filled(self, text: str) -> str:
        return text.format(**self._ticket.words)

    def _is_news(self, request: Request) -> bool:
        """Whether the requester finds something there that somebody else wrote."""
        shown = request.body.get("visible_to_requester") is True or request.action == "messages"
        return shown and request.author_id != self._requester
