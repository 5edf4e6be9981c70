"""The golden samples and the refused ones of contracts/samples, as records."""

import base64
import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
_SAMPLES = CONTRACTS / "samples"


@dataclass(frozen=True, slots=True)
class Sample:
    """One record as it stands on a topic, and what is to become of it."""

    name: str
    topic: str
    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes | None], ...]
    ours: bool
    """Published by Relato, hence with all its headers and nothing else."""
    reads_as: JsonValue
    """What the value says once decoded; None when the record is refused."""
    reason: str | None
    """Why it is refused."""

    def __str__(self) -> str:
        return self.name


def accepted() -> list[Sample]:
    """Every record that has to be understood."""
    return [_sample(path) for path in sorted(_SAMPLES.glob("*.*/*/*.json"))]


def refused() -> list[Sample]:
    """Every record that has to be refused."""
    return [_sample(path) for path in sorted(_SAMPLES.glob("refused/*.json"))]


def _sample(path: Path) -> Sample:
    record = json.loads(path.read_text())
    return Sample(
        name=path.relative_to(_SAMPLES).with_suffix("").as_posix(),
        topic=record["topic"] if "reason" in record else path.parents[1].name,
        key=_bytes(record["key"]),
        value=_value(record),
        headers=tuple((name, _bytes(text)) for name, text in record["headers"].items()),
        ours="ce_time" in record["headers"] and record["headers"].get("ce_source", "").startswith("/relato/"),
        reads_as=None if "reason" in record else record.get("reads_as", record["value"]),
        reason=record.get("reason"),
    )


def _value(record: dict[str, JsonValue]) -> bytes:
    match record:
        case {"text": str(text)}:
            return text.encode()
        case {"base64": str(encoded)}:
            return base64.b64decode(encoded)
        case _:
            return json.dumps(record["value"], ensure_ascii=False).encode()


def _bytes(text: JsonValue) -> bytes | None:
    match text:
        case None:
            return None
        case {"base64": str(encoded)}:
            return base64.b64decode(encoded)
        case _:
            return str(text).encode()
