"""How a consumer takes in a record, for those who have it done by hand."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from relato_contracts.topics import Topic

from relato_runtime.database import Connection, Pool
from relato_runtime.intake import Apply
from relato_runtime.settings import KafkaSettings
from relato_runtime.settling import Parked

GivenUp = Callable[[Connection, Parked], Awaitable[None]]
"""Told, in the transaction that discards it, that a record will never be taken in."""


async def _nothing_waits(_connection: Connection, _letter: Parked) -> None:
    return


@dataclass(frozen=True, slots=True)
class Taking:
    """A consumer without its group: what it would do with a record, in which database."""

    settings: KafkaSettings
    pool: Pool
    consumer: str
    topics: Mapping[str, Topic]
    """By their names on this cluster."""
    apply: Apply
    given_up: GivenUp = _nothing_waits
    repeats: bool = False
    """Whether what a stream's later records meant depends on this one, and nothing waited for it: they are
    applied once more behind it, which changes nothing where they were understood."""
