"""What lies on the disk of a local stack, byte by byte: files as they are, and records of their batches."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import asyncpg
from aiokafka.record.memory_records import MemoryRecords


def traces(home: Path, words: Iterable[str]) -> dict[str, set[str]]:
    """By word, in which files below a home it stands; batches of Kafka's are compressed, and are opened."""
    needles = {word: word.encode() for word in words}
    found: dict[str, set[str]] = {}
    for name, raw in _contents(home):
        for word, needle in needles.items():
            if needle in raw:
                found.setdefault(word, set()).add(name)
    return found


async def in_tables(connection: asyncpg.Connection, words: Iterable[str]) -> dict[str, set[str]]:
    """By word, in the files of which tables and indexes of a database it stands, as far as they are short.

    Long values are compressed.
    """
    await connection.execute("CHECKPOINT")
    files = await connection.fetch(
        """
        SELECT oid::regclass::text AS name,
            pg_read_binary_file(pg_relation_filepath(oid), true) AS raw
        FROM pg_class WHERE relkind IN ('r', 'i', 't', 'm')
        """
    )
    found: dict[str, set[str]] = {}
    for word in words:
        if names := {row["name"] for row in files if word.encode() in (row["raw"] or b"")}:
            found[word] = names
    return found


def _contents(home: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(home.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        name = path.relative_to(home).as_posix()
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            continue  # it went while we looked
        yield name, raw
        if name.startswith("kafka") and ".log" in path.suffixes and path.parent.name != "kafka":
            yield name, b"\0".join(_records(raw))


def _records(raw: bytes) -> Iterator[bytes]:
    """Keys, values and headers of a segment's records; what is not written to its end is not there."""
    batches = MemoryRecords(raw)
    while batches.has_next():
        batch = batches.next_batch()
        if batch is None:
            return
        for record in batch:
            yield from (each or b"" for each in (record.key, record.value))
            yield from (value or b"" for _, value in record.headers)
