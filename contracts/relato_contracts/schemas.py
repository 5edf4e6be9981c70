"""JSON Schemas (2020-12) of facts, as strict as producers have to be."""

from pydantic import JsonValue

from relato_contracts.fields import Fact
from relato_contracts.topics import Topic

DIALECT = "https://json-schema.org/draft/2020-12/schema"
VERSION = 1
# UUIDv7 (RFC 9562 §5.7); pydantic's "uuid7" is no format that JSON Schema knows.
_UUID7 = "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-7[0-9A-Fa-f]{3}-[89ABab][0-9A-Fa-f]{3}-[0-9A-Fa-f]{12}$"

Schema = dict[str, JsonValue]


def schema_of(topic: Topic, fact: type[Fact]) -> Schema:
    """What a fact's value on a topic has to look like.

    Whatever it accepts, the model accepts, but for what JSON Schema cannot say and the description
    does (bytes of UTF-8, names of time zones, characters that are not seen).
    """
    bare: Schema = fact.model_json_schema()
    _polish(bare)
    if "$defs" in bare:
        bare["$defs"] = bare.pop("$defs")  # reads better below what uses them
    return {"$schema": DIALECT, "$id": f"https://relato.dev/schemas/{path_of(topic, fact)}", **bare}


def path_of(topic: Topic, fact: type[Fact]) -> str:
    """Where a fact's schema lies, below the directory of all schemas."""
    return f"{topic.name}/{fact.__name__}.v{VERSION}.json"


def _polish(node: JsonValue) -> None:
    if isinstance(node, list):
        for item in node:
            _polish(item)
    if not isinstance(node, dict):
        return
    if node.get("format") == "uuid7":
        node |= {"format": "uuid", "pattern": _UUID7}
    if "default" in node and node["default"] is None:
        del node["default"]  # on the wire, absent fields are left out
    properties = node.get("properties")
    if isinstance(properties, dict):
        node["additionalProperties"] = False
        for named in properties.values():
            if isinstance(named, dict):
                named.pop("title", None)  # the field's name once more
    for child in node.values():
        _polish(child)
