"""The AsyncAPI 3.0 document: channels, messages and their envelope, and how Kafka carries them."""

from importlib.metadata import version

from pydantic import JsonValue

from relato_contracts.envelope import ATTRIBUTE_LIMIT_BYTES, type_name
from relato_contracts.fields import Fact
from relato_contracts.schemas import DIALECT, Schema, path_of, schema_of
from relato_contracts.topics import ITSM, TOPICS, Topic

_BINDING = "0.5.0"
_SCHEMA_FORMAT = "application/schema+json;version=draft-2020-12"
_ABOUT = (
    "Facts about the execution of service-desk tickets, as CloudEvents 1.0 in Kafka's binary mode: "
    "attributes are headers, the value is the fact alone. Keys are entity ids, so that the facts of one "
    "ticket stay in order. Consumers ignore fields they do not know; producers send none. Within a version "
    "only optional fields are added."
)

_TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": ATTRIBUTE_LIMIT_BYTES}


def document() -> Schema:
    """The whole document; schemas of values are referred to as ``./schemas/…``."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Relato",
            "version": version("relato-contracts"),
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": dict(_operation(topic) for topic in TOPICS),
        "components": {
            "messages": {
                **{fact.__name__: _message(topic, fact) for topic in TOPICS for fact in topic.facts},
                "DeadLetter": _dead_letter(),
            },
            "messageTraits": {"CloudEvent": _cloud_event()},
        },
    }


def _channel(topic: Topic) -> Schema:
    kept: Schema = {"cleanup.policy": ["compact"]}
    if not topic.compacted:
        kept = {"cleanup.policy": ["delete"], "retention.ms": topic.retention_ms}
    removal = " A record without value removes its key." if topic.compacted else ""
    names = [fact.__name__ for fact in topic.facts] or ["DeadLetter"]
    return {
        "address": topic.name,
        "description": topic.about + removal,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {
            "kafka": {"topic": topic.name, "topicConfiguration": kept, "bindingVersion": _BINDING},
        },
    }


def _operation(topic: Topic) -> tuple[str, JsonValue]:
    action = "receive" if topic in ITSM else "send"
    return f"{action}.{topic.name}", {"action": action, "channel": {"$ref": f"#/channels/{topic.name}"}}


def _message(topic: Topic, fact: type[Fact]) -> Schema:
    schema = schema_of(topic, fact)
    field = topic.facts[fact]
    return {
        "name": type_name(fact),
        "title": fact.__name__,
        "summary": schema["description"],
        "traits": [{"$ref": "#/components/messageTraits/CloudEvent"}],
        "headers": {"type": "object", "properties": {"ce_type": {"const": type_name(fact)}}},
        "payload": {
            "schemaFormat": _SCHEMA_FORMAT,
            "schema": {"$ref": f"./schemas/{path_of(topic, fact)}"},
        },
        "bindings": {
            "kafka": {
                "key": {**_TEXT, "description": f"The value's {field}, as UTF-8."},
                "bindingVersion": _BINDING,
            }
        },
    }


def _cloud_event() -> Schema:
    """The envelope; extensions that are not required come from Relato itself."""
    return {
        "contentType": "application/json",
        "correlationId": {"location": "$message.header#/ce_correlationid"},
        "headers": {
            "type": "object",
            "required": ["ce_specversion", "ce_id", "ce_type", "ce_source"],
            "properties": {
                "content-type": {"const": "application/json"},
                "ce_specversion": {"const": "1.0"},
                "ce_id": _about("Unique per source; Relato's own are UUIDv7."),
                "ce_type": _about("Owner, fact and version."),
                "ce_source": {**_about("Who says so, such as /relato/notes."), "format": "uri-reference"},
                "ce_subject": _about("The id of the ticket."),
                "ce_time": {**_TEXT, "format": "date-time", "description": "The record's own if absent."},
                "ce_partitionkey": _about("The record's key once more."),
                "ce_streamversion": {
                    "type": "string",
                    "pattern": "^[1-9][0-9]{0,9}$",
                    "description": "1, 2, 3 … per ticket on relato.notes, without holes.",
                },
                "ce_actor": _about("The id of the person who caused it."),
                "ce_correlationid": _about("The same for all that one request caused."),
                "ce_causationid": _about("The id of what caused it directly."),
                "ce_replayid": _about("Only on records published anew: do not act on them twice."),
                "ce_traceparent": _about("W3C Trace Context."),
                "traceparent": _about("W3C Trace Context."),
            },
        },
    }


def _dead_letter() -> Schema:
    why = {
        "relato_dead_reason": "A code.",
        "relato_dead_error": "The same in words.",
        "relato_dead_topic": "Where the record came from.",
        "relato_dead_partition": "The partition there.",
        "relato_dead_offset": "The offset there.",
    }
    return {
        "name": "DeadLetter",
        "title": "DeadLetter",
        "summary": "A record that could not be taken in, byte for byte, and beside it why.",
        "contentType": "application/octet-stream",
        "headers": {
            "type": "object",
            "required": list(why),
            "properties": {name: {"type": "string", "description": about} for name, about in why.items()},
        },
        "payload": {"schemaFormat": _SCHEMA_FORMAT, "schema": {"$schema": DIALECT, "$comment": "Any bytes."}},
    }


def _about(text: str) -> Schema:
    return {**_TEXT, "description": text}
