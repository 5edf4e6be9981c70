"""Having something done with many, as many requests as that takes."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from relato.commands.bar import bar
from relato.errors import StackError
from relato.operate import Operator


class Ask(NamedTuple):
    """What is asked of a service."""

    path: str
    wish: Mapping[str, object]
    what: str


class BrokeOff(StackError):
    """A service refused to go on; what became of those before that is in ``done``."""

    def __init__(self, why: StackError, done: list[dict[str, Any]]) -> None:
        super().__init__(f"It broke off after {len(done)}: {why}")
        self.done = done


async def done_with_all(operator: Operator, *asks: Ask, dry_run: bool) -> list[dict[str, Any]]:
    """Ask each until none is left, each time behind the last one that was answered: what became of each.

    Raises ``BrokeOff`` where something was done before that.
    """
    done: list[dict[str, Any]] = []
    try:
        for ask in asks:
            await _all(operator, ask._replace(wish={**ask.wish, "dry_run": dry_run}), done)
    except StackError as error:
        if done and not dry_run:
            raise BrokeOff(error, done) from error
        raise
    return done


async def _all(operator: Operator, ask: Ask, done: list[dict[str, Any]]) -> None:
    before = len(done)
    with bar(ask.what) as told:
        after: str | None = None
        while True:
            said = await operator.post(ask.path, {**ask.wish, "after": after})
            done += said["items"]
            now = len(done) - before
            told(now, now + said["left"], "")
            after = said["next_after"]
            if after is None:
                return
