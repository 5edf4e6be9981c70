"""How many streams each person keeps open: each takes memory here for as long as it lasts."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from relato_runtime.problems import Problem

_RETRY_SECONDS = 10


class OpenStreams:
    """At most so many streams of each person at a time, in this process."""

    def __init__(self, per_person: int) -> None:
        self._per_person = per_person
        self._open: Counter[str] = Counter()

    @contextmanager
    def one_of(self, person_id: str) -> Iterator[None]:
        """Count a stream for as long as it is open; ``Problem`` 429 when there are too many."""
        if self._open[person_id] >= self._per_person:
            raise Problem(
                429,
                "too-many-streams",
                f"At most {self._per_person} streams may be open at a time.",
                headers={"Retry-After": str(_RETRY_SECONDS)},
            )
        self._open[person_id] += 1
        try:
            yield
        finally:
            self._open[person_id] -= 1
            if not self._open[person_id]:
                del self._open[person_id]
