"""Any fact at all, in any envelope: Hypothesis strategies made from the published schemas."""

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from pydantic import JsonValue
from relato_contracts.envelope import Envelope
from relato_contracts.fields import Fact
from relato_contracts.schemas import schema_of
from relato_contracts.topics import TOPIC_OF

Node = dict[str, Any]  # a schema or a part of one


def values(fact: type[Fact]) -> SearchStrategy[JsonValue]:
    """Any value that a fact's schema accepts, as it may stand on the topic."""
    document = schema_of(TOPIC_OF[fact], fact)
    return _value(document, document)


def facts(fact: type[Fact]) -> SearchStrategy[Fact]:
    """Any fact of a kind."""
    return values(fact).map(lambda value: fact.model_validate_json(json.dumps(value)))


def envelopes() -> SearchStrategy[Envelope]:
    """Any envelope of our own."""
    line = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=200)
    optional = st.none() | line
    return st.builds(
        Envelope,
        id=line,
        source=line,
        time=st.datetimes(datetime(1970, 1, 1), datetime(9998, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001  # likewise
        subject=optional,
        stream_version=st.none() | st.integers(1, 2**31 - 1),
        actor=optional,
        correlation_id=optional,
        causation_id=optional,
        replay_id=optional,
        traceparent=optional,
    )


def _value(node: Node, document: Node) -> SearchStrategy[Any]:
    match node:
        case {"$ref": str(reference)}:
            return _value(document["$defs"][reference.removeprefix("#/$defs/")], document)
        case {"anyOf": list(alternatives)}:
            return st.one_of([_value(alternative, document) for alternative in alternatives])
        case {"enum": list(choices)}:
            return st.sampled_from(choices)
        case {"type": "null"}:
            return st.none()
        case {"type": "boolean"}:
            return st.booleans()
        case {"type": "integer"}:
            return st.integers(node.get("minimum"), node.get("maximum"))
        case {"type": "array"}:
            return st.lists(_value(node["items"], document), max_size=5)
        case {"type": "object"}:
            required = set(node["required"])
            fields = {name: _field(name, each, document) for name, each in node["properties"].items()}
            return st.fixed_dictionaries(
                {name: each for name, each in fields.items() if name in required},
                optional={name: each for name, each in fields.items() if name not in required},
            )
        case {"type": "string"}:
            return _text(node)
    raise AssertionError(f"no strategy for {node!r}")


def _field(name: str, node: Node, document: Node) -> SearchStrategy[Any]:
    if name == "time_zone":  # which names there are, the schema only describes
        return st.sampled_from(["America/Sao_Paulo", "America/Manaus", "UTC", "Asia/Kathmandu"])
    return _value(node, document)


def _text(node: Node) -> SearchStrategy[str]:
    match node:
        case {"format": "date-time"}:
            return _times()
        case {"format": "uuid", "pattern": _}:
            return st.integers(0, 2**128 - 1).map(lambda number: str(UUID(int=_version_7(number))))
        case {"format": "uuid"}:
            return st.uuids().map(str)
        case {"pattern": str(pattern)}:
            address = "@" in pattern  # which holds nothing unseen, as a schema cannot say
            alphabet = st.characters(codec="utf-8", exclude_categories=["Cs", "Cf"] if address else ["Cs"])
            shortest, longest = node.get("minLength", 0), node.get("maxLength", 64)
            # In Python, "$" lets a line end pass that ECMA-262 does not.
            whole = re.compile(pattern.removesuffix("$") + r"\Z")
            return st.from_regex(whole, fullmatch=True, alphabet=alphabet).filter(
                lambda text: shortest <= len(text) <= longest
            )
    raise AssertionError(f"no strategy for {node!r}")


def _times() -> SearchStrategy[str]:
    zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
    return st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=zones).map(datetime.isoformat)  # noqa: DTZ001  # zones come with the strategy


def _version_7(number: int) -> int:
    return number & ~(0xF << 76) & ~(0x3 << 62) | 7 << 76 | 2 << 62
