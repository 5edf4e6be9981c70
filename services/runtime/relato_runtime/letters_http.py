"""The operators' routes about dead letters of one service: list, show, retry, discard."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, Field, StrictBool, StringConstraints

from relato_runtime import letters
from relato_runtime.caller import Caller
from relato_runtime.database import Pool
from relato_runtime.field_errors import FieldError
from relato_runtime.letters import DeadLetter, Selection, State, WholeDeadLetter
from relato_runtime.operations import Operation
from relato_runtime.operators_http import Operator, Wish, problems, unless_refused
from relato_runtime.problems import Problem, invalid
from relato_runtime.retrying import AT_ONCE, SUBJECT, Consumers, DeadLetters, Outcome

_Word = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9./:_-]+$")]
_Id = Annotated[str, StringConstraints(max_length=96, pattern=r"^[a-z][a-z0-9/-]*-[0-9]{1,18}$")]
_PAGE = 500


class Number(BaseModel):
    """How many dead letters there are of a kind."""

    consumer: str
    reason: str
    state: State
    number: int


class DeadLetterList(BaseModel):
    """Dead letters, oldest first, and how many there are of each kind."""

    items: list[DeadLetter]
    next_after: int | None
    """Where the next page begins; null on the last."""
    numbers: list[Number]


class SelectionWish(Wish):
    """Which dead letters are meant: these, or those that are parked for a reason, of a consumer, or all."""

    ids: Annotated[list[_Id] | None, Field(min_length=1, max_length=AT_ONCE)] = None
    because: _Word | None = None
    consumer: _Word | None = None
    all: StrictBool = False
    after: _Id | None = None
    """Those alone that come behind this one: where the answer before said to go on."""

    @property
    def meant(self) -> Selection:
        """The same as rows; ``Problem`` 422 where nothing is said."""
        if self.ids is None and self.because is None and self.consumer is None and not self.all:
            raise invalid(FieldError("", "Say which are meant: ids, because, consumer, or all."))
        if self.ids is not None:
            return Selection(self.ids, self.because, self.consumer)
        return Selection(None, self.because, self.consumer, "parked")


class Settled(BaseModel):
    """What became of one dead letter, or with ``dry_run`` would."""

    id: str
    outcome: Outcome
    detail: str


class SettledList(BaseModel):
    """What became of each, in the order in which they were taken."""

    action: Literal["retry", "discard"]
    items: list[Settled]
    left: int
    """So many more are meant, for another request."""
    next_after: str | None
    """Behind which that goes on; null where none are left."""
    dry_run: bool


def routes(service: str, pool: Pool, consumers: Consumers, who: Operator) -> APIRouter:
    """The routes below ``/api/operate/dead-letters/{service}``."""
    router = APIRouter(prefix=f"/api/operate/dead-letters/{service}", tags=["dead letters"])
    dead_letters = DeadLetters(pool, consumers)
    Who = Annotated[Caller, Depends(who)]

    @router.get("", responses=problems(401, 403, 422, 429, 503))
    async def list_dead_letters(
        _who: Who,
        because: Annotated[_Word | None, Query()] = None,
        consumer: Annotated[_Word | None, Query()] = None,
        state: Annotated[State | None, Query()] = None,
        after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
    ) -> DeadLetterList:
        """Records that this service could not take in, for any reason or one."""
        which = Selection(None, because, consumer, state)
        async with pool.acquire() as connection:
            items = await letters.listing(connection, which, _PAGE, after)
            numbers = await letters.numbers(connection, which)
        return DeadLetterList(
            items=items,
            next_after=_number(items[-1].id) if len(items) == _PAGE else None,
            numbers=[
                Number(consumer=consumer, reason=reason, state=state, number=number)
                for (consumer, reason, state), number in numbers.items()
            ],
        )

    @router.get("/{letter_id:path}", responses=problems(401, 403, 404, 422, 429, 503))
    async def show_dead_letter(
        _who: Who, letter_id: Annotated[str, Path(pattern=r"^[^\x00]+$", max_length=96)]
    ) -> WholeDeadLetter:
        """One of them with what is in it: headers, value, and the value as JSON where it is."""
        consumer, _, number = letter_id.rpartition("-")
        found = None
        if number.isascii() and number.isdigit() and len(number) <= 18:
            async with pool.acquire() as connection:
                found = await letters.one(connection, consumer, int(number))
        if found is None:
            raise Problem(404, "not-found", f"There is no dead letter {letter_id}.")
        return found

    @router.post("/retry", responses=problems(400, 401, 403, 409, 413, 422, 429, 503))
    async def retry_dead_letters(caller: Who, wish: SelectionWish) -> SettledList:
        """Have them taken in by the consumers that could not, each key's in order.

        Nothing is published anew: no other consumer sees them again. One that cannot be taken in this time
        either stays as it is, and so does what comes after it with its key.
        """
        return await act("retry", caller, wish)

    @router.post("/discard", responses=problems(400, 401, 403, 409, 413, 422, 429, 503))
    async def discard_dead_letters(caller: Who, wish: SelectionWish) -> SettledList:
        """Give them up, for a reason; they stay in the list, and are never taken in."""
        if not wish.reason.strip():
            raise invalid(FieldError("/reason", "Say why."))
        return await act("discard", caller, wish)

    async def act(action: Literal["retry", "discard"], caller: Caller, wish: SelectionWish) -> SettledList:
        operation = Operation(SUBJECT, action, caller, wish.reason, wish.dry_run)
        after = None if wish.after is None else _number(wish.after)
        done = await unless_refused(dead_letters.do(operation, wish.meant, after))
        items = [Settled(**each._asdict()) for each in done.items]
        return SettledList(
            action=action, items=items, left=done.left, next_after=done.next_after, dry_run=wish.dry_run
        )

    return router


def _number(letter_id: str) -> int:
    return int(letter_id.rpartition("-")[2])
