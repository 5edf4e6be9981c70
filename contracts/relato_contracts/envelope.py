"""Facts in CloudEvents 1.0 envelopes, in Kafka's binary mode.

CloudEvents 1.0.2 (attributes), its Kafka protocol binding §3.2 (binary content mode) and the
partitioning and distributed tracing extensions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from pydantic import ValidationError

from relato_contracts.fields import EARLIEST, LATEST, Fact
from relato_contracts.topics import TOPICS, key_of

ATTRIBUTE_LIMIT_BYTES = 1_024
Reason = Literal[
    "null-header", "missing-attribute", "bad-attribute", "unknown-type", "unknown-version", "invalid-data",
    "key-mismatch",
    "unreadable",
]  # fmt: skip


class Undecodable(Exception):
    """A record that is no fact we know; ``reason`` is a code, the message says the rest."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who says so, when, and where a fact stands in its stream (CloudEvents attributes)."""

    id: str
    source: str
    time: datetime
    subject: str | None = None
    stream_version: int | None = None
    """1, 2, 3 … per ticket on ``relato.notes``, without holes."""
    actor: str | None = None
    correlation_id: str | None = None
    causation_id: str | None = None
    replay_id: str | None = None
    traceparent: str | None = None


def type_name(fact: type[Fact], version: int = 1) -> str:
    """The ``ce_type`` of a fact, such as ``relato.OccurrenceRecorded.v1``."""
    owner = fact.__module__.rpartition(".")[2]
    return f"{'itsm' if owner == 'itsm' else 'relato'}.{fact.__name__}.v{version}"


FACTS: Mapping[str, type[Fact]] = {type_name(fact): fact for topic in TOPICS for fact in topic.facts}
_NAMES = {name.rpartition(".")[0] for name in FACTS}


def decode(
    key: bytes | None,
    value: bytes | None,
    headers: Sequence[tuple[str, bytes | None]],
    timestamp_ms: int = 0,
) -> tuple[Envelope, Fact]:
    """Read a record; raise ``Undecodable`` for anything that is not a fact of ours.

    ``timestamp_ms`` is the record's own (Unix, milliseconds): it stands in for ``ce_time``, which
    CloudEvents leaves optional.
    """
    attributes = _attributes(headers)
    if value is None:
        raise Undecodable("invalid-data", "the record has no value")
    fact = _fact(attributes["ce_type"], value)
    if key is None or key != key_of(fact).encode():
        raise Undecodable("key-mismatch", f"the record's key is not {key_of(fact)!r}")
    return _envelope(attributes, timestamp_ms), fact


def encode(fact: Fact, envelope: Envelope) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    """A fact as key, value and headers of a record."""
    key = key_of(fact)
    return key.encode(), serialise(fact), headers(type_name(type(fact)), key, envelope)


def serialise(fact: Fact) -> bytes:
    """A fact's value on the wire: JSON, with absent fields left out."""
    return fact.model_dump_json(exclude_none=True).encode()


def headers(fact_type: str, key: str, envelope: Envelope) -> list[tuple[str, bytes]]:
    """The headers of a record that carries a fact."""
    attributes: list[tuple[str, str | None]] = [
        ("content-type", "application/json"),
        ("ce_specversion", "1.0"),
        ("ce_id", envelope.id),
        ("ce_type", fact_type),
        ("ce_source", envelope.source),
        ("ce_subject", envelope.subject),
        ("ce_time", envelope.time.astimezone(UTC).isoformat().replace("+00:00", "Z")),
        ("ce_partitionkey", key),
        ("ce_streamversion", None if envelope.stream_version is None else str(envelope.stream_version)),
        ("ce_actor", envelope.actor),
        ("ce_correlationid", envelope.correlation_id),
        ("ce_causationid", envelope.causation_id),
        ("ce_replayid", envelope.replay_id),
        ("ce_traceparent", envelope.traceparent),
        ("traceparent", envelope.traceparent),
    ]
    return [(name, text.encode()) for name, text in attributes if text is not None]


def _attributes(headers: Sequence[tuple[str, bytes | None]]) -> dict[str, str]:
    attributes = {}
    for name, raw in headers:
        if raw is None:
            raise Undecodable("null-header", f"header {name!r} has no value")
        if not name.startswith("ce_") and name not in {"content-type", "traceparent"}:
            continue  # others may add headers of their own; what they hold is not ours to judge
        try:
            attributes[name] = raw.decode()
        except UnicodeDecodeError as error:
            raise Undecodable("bad-attribute", f"header {name!r} is not UTF-8") from error
        if len(raw) > ATTRIBUTE_LIMIT_BYTES or "\0" in attributes[name]:
            raise Undecodable("bad-attribute", f"header {name!r} is too long or holds a NUL")
    for required in ("ce_specversion", "ce_id", "ce_type", "ce_source"):
        if not attributes.get(required):
            raise Undecodable("missing-attribute", f"header {required!r} is missing")
    if attributes["ce_specversion"] != "1.0":
        raise Undecodable("bad-attribute", f"specversion {attributes['ce_specversion']!r} is not 1.0")
    media = attributes.get("content-type", "application/json").partition(";")[0].strip().lower()
    if media != "application/json":
        raise Undecodable("bad-attribute", f"content-type {media!r} is not application/json")
    return attributes


def _fact(name: str, value: bytes) -> Fact:
    model = FACTS.get(name)
    if model is None:
        known = name.rpartition(".")[0] in _NAMES
        raise Undecodable("unknown-version" if known else "unknown-type", f"type {name!r} is not known")
    try:
        return model.model_validate_json(value)
    except ValidationError as error:
        # Without the input: what is undecodable may still be somebody's text.
        first = error.errors(include_input=False, include_url=False)[0]
        where = "/".join(str(part) for part in first["loc"])
        raise Undecodable("invalid-data", f"/{where}: {first['msg']}") from error


def _envelope(attributes: Mapping[str, str], timestamp_ms: int) -> Envelope:
    version = attributes.get("ce_streamversion")
    if version is not None and not (version.isascii() and version.isdigit() and 0 < int(version) < 2**31):
        raise Undecodable("bad-attribute", f"streamversion {version!r} is not a positive number")
    return Envelope(
        id=attributes["ce_id"],
        source=attributes["ce_source"],
        time=_time(attributes.get("ce_time"), timestamp_ms),
        subject=attributes.get("ce_subject"),
        stream_version=None if version is None else int(version),
        actor=attributes.get("ce_actor"),
        correlation_id=attributes.get("ce_correlationid"),
        causation_id=attributes.get("ce_causationid"),
        replay_id=attributes.get("ce_replayid"),
        # Whoever only knows the extension (CloudEvents, distributed tracing) is understood too.
        traceparent=attributes.get("traceparent") or attributes.get("ce_traceparent"),
    )


def recorded_at(timestamp_ms: int) -> datetime:
    """A record's own time; ``Undecodable`` for what is no time, since producers may claim any number."""
    try:
        return _sensible(datetime.fromtimestamp(timestamp_ms / 1000, UTC))
    except (ValueError, OverflowError, OSError) as error:
        raise Undecodable("bad-attribute", f"timestamp {timestamp_ms} is no time") from error


def _time(text: str | None, timestamp_ms: int) -> datetime:
    if text is None:
        return recorded_at(timestamp_ms)
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError("no offset")
        return _sensible(moment).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Undecodable("bad-attribute", f"time {text!r} is not RFC 3339 with offset") from error


def _sensible(moment: datetime) -> datetime:
    if not EARLIEST <= moment <= LATEST:
        raise ValueError("too far from the present")
    return moment


def event_uuid(envelope: Envelope) -> UUID:
    """The id of one of our own events, which is a UUIDv7."""
    try:
        return UUID(envelope.id)
    except ValueError as error:
        raise Undecodable("bad-attribute", f"id {envelope.id!r} is not a UUID") from error
