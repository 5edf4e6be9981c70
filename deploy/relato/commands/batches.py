"""Having something done with many, as many requests as that takes."""

from collections.abc import Mapping
from typing import Any

from relato.commands.bar import bar
from relato.operate import Operator


async def done_with_all(
    operator: Operator, path: str, wish: Mapping[str, object], what: str
) -> list[dict[str, Any]]:
    """Ask until none is left, each time behind the last one that was answered: what became of each."""
    done: list[dict[str, Any]] = []
    with bar(what) as told:
        after: str | None = None
        while True:
            said = await operator.post(path, {**wish, "after": after})
            done += said["items"]
            told(len(done), len(done) + said["left"], "")
            after = said["next_after"]
            if after is None:
                return done
