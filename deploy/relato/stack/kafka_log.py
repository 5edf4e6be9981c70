"""Whether the broker would still know its topics.

Kafka takes an empty or unreadable metadata log for a new cluster's, starts as if nothing were wrong, and puts
the partitions that it no longer knows aside to be deleted.
"""

import re
from pathlib import Path

from aiokafka.errors import CorruptRecordException
from aiokafka.record import MemoryRecords

_METADATA = "__cluster_metadata-0"
_PARTITION = re.compile(r".+-\d+")


def is_damaged(data: Path) -> bool:
    """Whether partitions are there and the metadata log that names them is not, or cannot be read."""
    partitions = [path for path in data.iterdir() if path.is_dir() and _PARTITION.fullmatch(path.name)]
    if all(path.name == _METADATA for path in partitions):
        return False
    # After a crash the last batches may be torn, which Kafka mends; what was closed well is whole.
    closed_well = (data / ".kafka_cleanshutdown").exists()
    segments = [path for path in sorted((data / _METADATA).glob("*.log")) if path.stat().st_size]
    return not segments or any(not _readable(segment, to_the_end=closed_well) for segment in segments)


def _readable(segment: Path, *, to_the_end: bool) -> bool:
    records = MemoryRecords(segment.read_bytes())
    read = 0
    try:
        while records.has_next() and (to_the_end or not read):
            batch = records.next_batch()
            if batch is None or not batch.validate_crc():
                return False
            read += 1
    except (CorruptRecordException, ValueError, IndexError):
        return False
    return read > 0
