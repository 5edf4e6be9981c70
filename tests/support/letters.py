"""Dead letters as an operator handles them over HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from relato_contracts import envelope
from relato_contracts.envelope import type_name
from relato_contracts.fields import Fact

from tests.support.issuer import Issuer


class Letters:
    """The dead letters of one service."""

    def __init__(self, http: httpx.AsyncClient, issuer: Issuer, service: str) -> None:
        self._http, self._issuer = http, issuer
        self._path = f"/api/operate/dead-letters/{service}"

    async def ask(self, verb: str, *, who: str = "olga", **wish: object) -> httpx.Response:
        """Have something done with some of them."""
        headers = self._issuer.bearer(who, "operator")
        return await self._http.post(f"{self._path}/{verb}", json=wish, headers=headers)

    async def done(self, verb: str, **wish: Any) -> list[tuple[str, str]]:
        """The same, and it has to be done: the id of each and what became of it."""
        answer = await self.ask(verb, **wish)
        assert answer.status_code == 200, answer.text
        return [(each["id"], each["outcome"]) for each in answer.json()["items"]]

    async def listed(self, **query: str) -> list[dict[str, Any]]:
        """What the list says."""
        headers = self._issuer.bearer("olga", "operator")
        answer = await self._http.get(self._path, params=query, headers=headers)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def shown(self, letter_id: str) -> httpx.Response:
        """One of them."""
        return await self._http.get(
            f"{self._path}/{letter_id}", headers=self._issuer.bearer("olga", "operator")
        )


@contextmanager
def not_known_yet(monkeypatch: pytest.MonkeyPatch, *facts: type[Fact]) -> Iterator[None]:
    """As in a program of the version before, which does not know these facts."""
    with monkeypatch.context() as before:
        for fact in facts:
            before.delitem(envelope.FACTS, type_name(fact))
        yield
