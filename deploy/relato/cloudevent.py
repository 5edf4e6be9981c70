"""Records as CloudEvents in JSON: from Kafka's binary mode to the JSON event format 1.0.2."""

import json
from collections.abc import Mapping

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
    event: dict[str, JsonValue] = {}
    for name, raw in record.headers:
        if name.startswith("ce_") and raw is not None:
            attribute, text = name.removeprefix("ce_"), raw.decode()
            event[attribute] = int(text) if attribute in _INTEGERS else text
    event["datacontenttype"] = "application/json"
    event["data"] = json.loads(record.value)
    return event


def as_line(event: CloudEvent) -> str:
    """The event as one line of JSON."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))
