"""What several polls bring before its turn comes."""

from aiokafka.structs import TopicPartition
from relato_contracts.topics import NOTES
from relato_runtime.decoded import polled, unreadable

FIRST, SECOND = TopicPartition("relato.notes", 0), TopicPartition("relato.notes", 1)


async def test_what_comes_later_stands_behind_what_came_from_each_partition() -> None:
    earlier = await polled({FIRST.topic: NOTES}, {FIRST: [unreadable(FIRST, 0)]})
    later = await polled(
        {FIRST.topic: NOTES}, {FIRST: [unreadable(FIRST, 1)], SECOND: [unreadable(SECOND, 7)]}
    )
    both = earlier.then(later)
    offsets = {partition: [each.offset for each in batch] for partition, batch in both.records.items()}
    assert offsets == {FIRST: [0, 1], SECOND: [7]}
    assert [letter.record.offset for letter in both.broken] == [0, 1, 7]
    assert both.size == 3
    assert len(earlier.records[FIRST]) == 1
