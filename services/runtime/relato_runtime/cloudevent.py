"""Records as CloudEvents in JSON: from Kafka's binary mode to the JSON event format 1.0.2, and back."""

import json
from collections.abc import Mapping, Sequence

from aiokafka.structs import ConsumerRecord
from pydantic import JsonValue
from relato_contracts.envelope import Undecodable, decode

from relato_runtime.positions import Record

CloudEvent = Mapping[str, JsonValue]
_INTEGERS = {"streamversion"}
"""Extensions whose CloudEvents type is Integer, which headers cannot tell (JSON format §2.2)."""


def from_record(record: Record) -> CloudEvent | None:
    """The event of a record with all its attributes; None when it is no fact of ours."""
    if record.value is None:
        return None
    try:
        decode(record.key, record.value, record.headers, record.timestamp)
    except Undecodable:
        return None
    return event_of(record.value, record.headers)


def event_of(value: bytes, headers: Sequence[tuple[str, bytes | None]]) -> CloudEvent:
    """The event that a value and its headers are."""
    event: dict[str, JsonValue] = {}
    for name, raw in headers:
        if name.startswith("ce_") and raw is not None:
            attribute, text = name.removeprefix("ce_"), raw.decode()
            event[attribute] = int(text) if attribute in _INTEGERS else text
    event["datacontenttype"] = "application/json"
    event["data"] = json.loads(value)
    return event


def as_line(event: CloudEvent) -> str:
    """The event as one line of JSON."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def to_record(line: str, topic: str) -> Record:
    """The record that such a line was made from, byte for byte; ``Undecodable`` for what is no event."""
    try:
        event = json.loads(line)
        data, key = event.pop("data"), str(event["partitionkey"])
        media = event.pop("datacontenttype")
        headers = [("content-type", str(media).encode())]
        headers += [(f"ce_{name}", str(each).encode()) for name, each in event.items()]
        if "traceparent" in event:
            headers.append(("traceparent", str(event["traceparent"]).encode()))
        value = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Undecodable("invalid-data", "it is no CloudEvent in JSON") from error
    return ConsumerRecord(topic, 0, 0, 0, 0, key.encode(), value, None, -1, -1, headers)
