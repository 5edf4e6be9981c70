"""Where partitions are read on, by what is stored and what the broker has."""

from collections.abc import Mapping
from typing import cast

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import OffsetAndTimestamp, TopicPartition
from relato_runtime import tail
from relato_runtime.positions import Position

PLACE = TopicPartition("relato.notes", 0)


class Topic:
    """Answers as a consumer does whose partition holds records with these times."""

    def __init__(self, *times: int) -> None:
        self._times = times

    async def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, len(self._times))

    async def offsets_for_times(
        self, since: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, OffsetAndTimestamp | None]:
        assert all(0 <= time < 2**63 for time in since.values()), "what the protocol can carry"
        return {each: self._first(time) for each, time in since.items()}

    def _first(self, since: int) -> OffsetAndTimestamp | None:
        found = (OffsetAndTimestamp(at, time) for at, time in enumerate(self._times) if time >= since)
        return next(found, None)


@pytest.mark.parametrize(
    ("times", "stored", "goes_on"),
    [
        ((1, 2, 3), Position(3, 3), 3),
        ((1, 2, 3, 4), Position(3, 3), 3),
        ((1, 3, 3, 3), Position(2, 3), 2),
        ((), Position(0, None), 0),
        ((1, 2), Position(4, 4), 2),
        ((), Position(4, 4), 0),
        ((1, 2, 8, 9, 9, 9), Position(4, 4), 2),
        ((8, 9), Position(4, 4), 0),
        ((1, 2, 3), Position(2, None), 2),
        ((1, 2), Position(3, None), 0),
        ((1, 2), Position(2, 2**63 - 1), 2),
        ((1, 2), Position(2, -5), 0),
    ],
    ids=[
        "at the end", "in the middle", "among records of the same time", "nothing read yet",
        "put back, nothing new", "put back empty", "put back and gone on beyond", "made anew",
        "without a witness", "without a witness, beyond the end", "a time beyond all", "a time before all",
    ],
)  # fmt: skip
async def test_it_goes_on_where_it_was_or_where_the_topic_was_written_anew(
    times: tuple[int, ...], stored: Position, goes_on: int
) -> None:
    consumer = cast(AIOKafkaConsumer, Topic(*times))
    assert await tail.standing(consumer, {PLACE: stored}) == {PLACE: goes_on}
