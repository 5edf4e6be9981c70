"""What journeys through the running product are made with: a ticket, and parameters for a while."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

from relato.demo.facts import company
from relato_contracts.itsm import GroupSaved, ParameterSaved

from tests.support.mailbox import Mailbox
from tests.support.stack import Stack
from tests.support.waiting import until

GROUP = next(
    fact.group_id for fact in company() if isinstance(fact, GroupSaved) and "carlos" in fact.member_ids
)


@dataclass(frozen=True)
class Ticket:
    """Ana's ticket in Carlos's group, seen through the APIs as people use them."""

    id: str
    stack: Stack
    mailbox: Mailbox

    async def record(self, person: str = "carlos", **changes: object) -> dict[str, Any]:
        """Record an occurrence; gives the answer."""
        body = {
            "description_html": "<p>Troquei o cabo de rede.</p>",
            "occurred_at": datetime.now(UTC).isoformat(),
            "channel": "execution",
        }
        return await self.done(person, "/occurrences", body | changes)

    async def done(self, person: str, ending: str, body: Mapping[str, object]) -> dict[str, Any]:
        """POST something that is accepted; gives the answer."""
        answer = await self.stack.post(person, f"/tickets/{self.id}{ending}", body)
        assert answer.status_code == 201, answer.text
        given: dict[str, Any] = answer.json()
        return given

    async def refused(self, person: str, ending: str, body: Mapping[str, object]) -> tuple[int, str]:
        """POST something that is refused; gives status and code."""
        answer = await self.stack.post(person, f"/tickets/{self.id}{ending}", body)
        return answer.status_code, answer.json()["type"].rpartition("/")[2]

    async def history(self, version: int, person: str = "carlos", **query: object) -> list[dict[str, Any]]:
        """The executors' history, once it has come to a version."""
        return await self._items(person, f"/tickets/{self.id}/history", version, query)

    async def chat(self, version: int, person: str = "carlos") -> list[dict[str, Any]]:
        """The executors' chat, once it has come to a version."""
        return await self._items(person, f"/tickets/{self.id}/chat", version, {})

    async def mine(self, version: int, person: str = "ana") -> list[dict[str, Any]]:
        """The requester's history, once it has come to a version."""
        return await self._items(person, f"/my/requests/{self.id}/history", version, {})

    async def my_chat(self, version: int, person: str = "ana") -> list[dict[str, Any]]:
        """The requester's chat, once it has come to a version."""
        return await self._items(person, f"/my/requests/{self.id}/chat", version, {})

    async def mail(self, recipient: str, number: int = 1) -> EmailMessage:
        """The nth mail about this ticket to a recipient, once it has come."""

        async def arrived() -> list[EmailMessage]:
            found = [each for each in self.mailbox.to(recipient) if self.id in str(each["List-Id"])]
            return found if len(found) >= number else []

        return (await until(arrived, what=f"mail {number} to {recipient}"))[number - 1]

    async def outcomes(self, event_version: int) -> list[dict[str, Any]]:
        """What became of the mails about a fact, once anything is known."""

        async def known() -> list[dict[str, Any]]:
            items = await self.history(event_version)
            return next(
                (each["emails"] for each in items if each["version"] == event_version and each.get("emails")),
                [],
            )

        return await until(known, what="the mail's outcome in the history")

    async def save(self, **changes: object) -> None:
        """Publish the ticket as it is from now on, as the ITSM does."""
        fact = {
            "ticket_id": self.id,
            "title": "Notebook não acessa a rede",
            "status": "in-progress",
            "requester_id": "ana",
            "group_id": GROUP,
            "responsible_id": "carlos",
            "opened_at": "2026-11-20T09:00:00-03:00",
        } | changes
        await self.stack.save("tickets", self.id, fact)

    async def _items(
        self, person: str, path: str, version: int, query: Mapping[str, object]
    ) -> list[dict[str, Any]]:
        async def projected() -> list[list[dict[str, Any]]]:
            answer = await self.stack.get(person, path, min_version=version, **query)
            if answer.status_code == 503:
                return []
            assert answer.status_code == 200, answer.text
            return [answer.json()["items"]]  # in a list, since no items are an answer too

        return (await until(projected, what=f"{path} at version {version}"))[0]


async def record_many(ticket: Ticket, count: int) -> None:
    """Notes by two executors in turn, since one alone may not record so many in a second."""
    for number in range(count):
        author = ("carlos", "marina")[number % 2]
        note = await ticket.record(author, description_html=f"<p>Passo {number}</p>")
    await ticket.history(note["version"])


def parameter(number: int) -> str:
    """A parameter's value in the demonstration data."""
    return next(
        fact.value for fact in company() if isinstance(fact, ParameterSaved) and fact.number == number
    )


@asynccontextmanager
async def switched(stack: Stack, number: int, value: str, back_to: str) -> AsyncIterator[None]:
    """A parameter of the ITSM at another value for a while, as all services know it."""
    await _set(stack, number, value)
    try:
        yield
    finally:
        await _set(stack, number, back_to)


async def _set(stack: Stack, number: int, value: str) -> None:
    await stack.save("parameters", str(number), {"number": number, "value": value})
    await stack.level()
