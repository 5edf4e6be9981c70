"""Acts for the people of the demonstration: each ticket's requests in order, several tickets at once."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

import httpx
from pydantic import BaseModel

from relato.demo.content import organisation
from relato.demo.story import Request, key
from relato.errors import StackError
from relato.reach import Reach

_AT_ONCE = 12
_PATIENCE_SECONDS = 60.0
_AGAIN = {429, 502, 503}


class _Answer(BaseModel):
    """What is needed of an answer."""

    occurrence_id: str | None = None


async def act(
    reach: Reach, stories: Mapping[str, Sequence[Request]], seed: int, told: Callable[[int], None]
) -> None:
    """Send every ticket's requests; what was answered before is answered the same and changes nothing."""
    done = 0
    turns = asyncio.Semaphore(_AT_ONCE)

    async def tell(api: _Api, ticket_id: str, story: Sequence[Request]) -> None:
        nonlocal done
        answers: list[_Answer] = []
        async with turns:
            for place, request in enumerate(story):
                about = None if request.about is None else answers[request.about].occurrence_id
                answers.append(await api.post(ticket_id, request, about, key(seed, ticket_id, place)))
                done += 1
                told(done)

    try:
        async with _Api(reach) as api, asyncio.TaskGroup() as group:
            for ticket_id, story in stories.items():
                group.create_task(tell(api, ticket_id, story))
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None  # the others are of the same kind, or follow from it


class _Api:
    """The API of notes as each of the people."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._tokens: dict[str, str] = {}
        self._client = httpx.AsyncClient(base_url=f"{reach.origin()}/api/notes", trust_env=False, timeout=15)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def post(self, ticket_id: str, request: Request, about: str | None, key: str) -> _Answer:
        """Send a request until it is answered for good; raises StackError when it is refused."""
        path = f"/tickets/{ticket_id}/{request.action}"
        if about is not None:
            path = f"/tickets/{ticket_id}/occurrences/{about}/{request.action}"
        headers = {"Authorization": f"Bearer {self._token(request.author_id)}", "Idempotency-Key": key}
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while True:
                    answer = await self._client.post(path, json=dict(request.body), headers=headers)
                    if answer.status_code not in _AGAIN:
                        break
                    await asyncio.sleep(float(answer.headers.get("Retry-After", "1")))
        except (httpx.HTTPError, TimeoutError) as error:
            raise StackError(f"notes does not answer: {str(error) or type(error).__name__}.") from error
        if answer.is_success:
            return _Answer.model_validate_json(answer.content)
        raise StackError(
            f"{request.author_id} may not do what the demonstration wants on ticket {ticket_id} "
            f"({request.action}): {answer.status_code} {answer.text.strip()[:500]}"
        )

    def _token(self, person_id: str) -> str:
        if person_id not in self._tokens:
            name = organisation().people[person_id].name
            self._tokens[person_id] = self._reach.token(person_id, name)
        return self._tokens[person_id]
