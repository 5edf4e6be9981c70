"""A client of the operators' API, for one command."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from relato.errors import StackError
from relato.reach import Reach

_PATIENCE_SECONDS = 60  # a switch waits until both generations are level
_BACK_SECONDS = 60.0  # a service that was killed is begun anew, on the busiest of machines
_LOOK_SECONDS = 0.5
_AWAY = {httpx.codes.BAD_GATEWAY, httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.GATEWAY_TIMEOUT}


class NotFound(StackError):
    """There is no such thing, or not yet."""


class Away(StackError):
    """The service that was asked does not run or is not ready, or nothing answers in its place."""


class Operator:
    """Asks the installation's services as an operator; what they refuse becomes StackError."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def get(self, path: str) -> Any:
        """What a service says."""
        return await self._asked("GET", path)

    async def follow(self, path: str) -> Any:
        """The same of what goes on without us, also where a service or the front door begins anew."""
        back = AsyncRetrying(
            retry=retry_if_exception_type(Away),
            stop=stop_after_delay(_BACK_SECONDS),
            wait=wait_fixed(_LOOK_SECONDS),
            reraise=True,
        )
        return await back(self.get, path)

    async def find(self, path: str) -> Any | None:
        """What a service says; None where there is nothing yet."""
        try:
            return await self.get(path)
        except NotFound:
            return None

    async def post(self, path: str, wish: Mapping[str, object]) -> Any:
        """Have something done: what a service answers."""
        return await self._asked("POST", path, wish)

    async def _asked(self, method: str, path: str, wish: Mapping[str, object] | None = None) -> Any:
        try:
            answer = await self._client.request(method, f"/api/operate{path}", json=wish)
        except httpx.HTTPError as error:
            raise Away(f"Relato does not answer: {str(error) or type(error).__name__}.") from error
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise NotFound(_reason(answer))
        if answer.status_code in _AWAY:
            raise Away(_reason(answer))
        if not answer.is_success:
            raise StackError(_reason(answer))
        return answer.json() if answer.content else None

    @asynccontextmanager
    async def stream(
        self, path: str, query: Mapping[str, str]
    ) -> AsyncIterator[tuple[httpx.Headers, AsyncIterator[bytes]]]:
        """What a service says piece by piece, and its headers; an answer that breaks off is an error."""
        try:
            async with self._client.stream("GET", f"/api/operate{path}", params=dict(query)) as answer:
                if not answer.is_success:
                    await answer.aread()
                    raise StackError(_reason(answer))
                yield answer.headers, answer.aiter_bytes()
        except httpx.HTTPError as error:
            raise StackError(f"Relato does not answer: {str(error) or type(error).__name__}.") from error


@asynccontextmanager
async def operating(reach: Reach) -> AsyncIterator[Operator]:
    """A client with RELATO_TOKEN, else with a token of the local stack's first operator."""
    headers = {"Authorization": f"Bearer {reach.operators_token()}"}
    async with httpx.AsyncClient(
        base_url=reach.origin(), headers=headers, trust_env=False, timeout=_PATIENCE_SECONDS
    ) as client:
        yield Operator(client)


def _reason(answer: httpx.Response) -> str:
    try:
        problem: dict[str, Any] = answer.json()
        wrong = [(each["pointer"].lstrip("/"), each["detail"]) for each in problem.get("errors", ())]
        said = [": ".join(filter(None, each)) for each in wrong]
        return " ".join([str(problem.get("detail") or problem["title"]), *said])
    except (ValueError, KeyError, AttributeError):
        return f"Relato answers {answer.status_code} {answer.reason_phrase}."
