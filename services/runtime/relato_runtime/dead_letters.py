"""Dead letters as records: the original byte for byte, and beside it why it is there."""

from relato_runtime import kafka
from relato_runtime.positions import DeadLetter


def record_of(topic: str, letter: DeadLetter) -> kafka.OutgoingRecord:
    """The record byte for byte, and beside it why it is here.

    What is too large even for this topic is there without its value; the table has all of it.
    """
    record = letter.record
    why = {
        "relato_dead_reason": letter.reason,
        "relato_dead_error": letter.error,
        "relato_dead_topic": record.topic,
        "relato_dead_partition": str(record.partition),
        "relato_dead_offset": str(record.offset),
    }
    headers = [*record.headers, *((name, text.encode()) for name, text in why.items())]
    size = sum(len(name) + len(raw or b"") + 16 for name, raw in headers)
    value, key = record.value, record.key
    if size > kafka.DEAD_LETTER_LIMIT_BYTES // 4:
        headers = [(name, text.encode()) for name, text in why.items()]
    if len(value or b"") + len(key or b"") > kafka.DEAD_LETTER_LIMIT_BYTES // 2:
        headers.append(("relato_dead_omitted", f"{len(value or b'')} bytes of value".encode()))
        value, key = None, (key or b"")[:1_000]
    if key is None and value is None:
        headers.append(("relato_dead_omitted", b"null value"))
        value = b""  # the client sends nothing that has neither
    return kafka.OutgoingRecord(topic, key, value, headers)
