"""What an event's hash stands for: commitments to its parts, each under a salt of its own, and their chain.

Whoever has a part and its salt can check it; whoever has its digest alone learns nothing about it, not even
by guessing. So parts can be left out, for a reader who may not see them or for ever, and the chain still
closes: selective disclosure as RFC 9901 has it, of parts in place of single fields.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import sha256, shake_256
from typing import Literal, get_args
from uuid import UUID

from pydantic import JsonValue
from pydantic_core import to_json

Part = Literal["about", "author", "internal", "reason", "solution", "text", "when"]
PARTS: tuple[Part, ...] = get_args(Part)
"""In the order of their names. An event has all of them, so that none tells anything by its absence."""
Value = JsonValue | UUID | datetime
"""Of a field: what JSON has, or an id or an UTC time, which it has as text."""
SALT_BYTES = 32
_PART_SALT_BYTES = 16

PART_OF: Mapping[str, Part] = {
    **dict.fromkeys(
        (
            # Where the event stands, from its envelope.
            *("type", "event_id", "actor", "recorded_at"),
            *("ticket_id", "requester_id", "author_id", "occurrence_id", "message_id"),
            *("sender", "viewer_id", "up_to_version"),
        ),
        "about",
    ),
    "author_name": "author",
    **dict.fromkeys(("description_html", "description_text", "text_html", "text"), "text"),
    **dict.fromkeys(("solution_html", "solution_text"), "solution"),
    "reason": "reason",
    "occurred_at": "when",
}
"""Fields that are not named here are ``internal``: a requester is not shown what nobody has thought of."""

# RFC 9162 has 0x00 and 0x01, for leaves and nodes of trees.
_PART, _COMMITMENT, _LINK, _START, _SALTS = (bytes([tag]) for tag in range(2, 7))
_CHAIN = b"relato.chain.v1\n"
_PLACES = {
    part: slice(place * _PART_SALT_BYTES, (place + 1) * _PART_SALT_BYTES) for place, part in enumerate(PARTS)
}


@dataclass(frozen=True, slots=True)
class Openings:
    """What it takes beside an event to check its commitment: each part's salt, or its digest in its place."""

    salts: Mapping[Part, bytes]
    digests: Mapping[Part, bytes] = field(default_factory=dict)


def openings(salt: bytes) -> Openings:
    """Every part's salt, from the event's own by SHAKE256 (FIPS 202): none tells anything of the others."""
    stretched = _stretched(salt)
    return Openings({part: stretched[place] for part, place in _PLACES.items()})


def _stretched(salt: bytes) -> bytes:
    return shake_256(_SALTS + salt).digest(_PART_SALT_BYTES * len(PARTS))


def parts(stated: Mapping[str, Value]) -> dict[Part, bytes]:
    """An event by parts, each as canonical JSON of its fields; an empty one is ``{}``.

    The fields are those of the fact, and of its envelope: type, id, actor, correlation id and time.
    Canonical is RFC 8785, as far as facts need it: names in ASCII, whole numbers that a double can hold.
    """
    given = _canonical(stated)
    return {
        part: to_json({name: given[name] for name in names}) if names else b"{}"
        for part, _, names in _layout(tuple(given))
    }


def commitment(by_part: Mapping[Part, bytes], known: Openings) -> bytes:
    """What stands for the event in the chain, from its parts as far as ``known`` opens them."""
    digests = {part: digest(salt, by_part[part]) for part, salt in known.salts.items()}
    digests |= known.digests
    return sha256(_COMMITMENT + b"".join([digests[part] for part in PARTS])).digest()


def commit(stated: Mapping[str, Value], salt: bytes) -> bytes:
    """The same from an event's fields and its salt at once, since each append waits for it."""
    given, salts = _canonical(stated), _stretched(salt)
    digests = [
        sha256(_PART + salts[place] + (to_json({name: given[name] for name in names}) if names else b"{}"))
        for _, place, names in _layout(tuple(given))
    ]
    return sha256(_COMMITMENT + b"".join([each.digest() for each in digests])).digest()


def digest(salt: bytes, part: bytes) -> bytes:
    """A part's digest, under its own salt."""
    return sha256(_PART + salt + part).digest()


def closed(by_part: Mapping[Part, bytes], known: Openings, hidden: Iterable[Part]) -> Openings:
    """The same openings with only a digest for each hidden part, as of an event whose texts are erased."""
    shut = set(hidden)
    return Openings(
        {part: salt for part, salt in known.salts.items() if part not in shut},
        {
            **known.digests,
            **{part: digest(known.salts[part], by_part[part]) for part in shut if part in known.salts},
        },
    )


def start(ticket_id: str) -> bytes:
    """What a ticket's first event follows."""
    return sha256(_START + _CHAIN + ticket_id.encode()).digest()


def link(previous: bytes, version: int, committed: bytes) -> bytes:
    """An event's hash, which stands for it and all before it: its ticket's head, while it is the last one."""
    return sha256(_LINK + previous + version.to_bytes(8, "big") + committed).digest()


def as_json(known: Openings) -> dict[str, JsonValue]:
    """Openings as they are stored and sent: of each part a ``salt`` or a ``digest``, in hexadecimal."""
    return {
        part: {"digest": known.digests[part].hex()}
        if part in known.digests
        else {"salt": known.salts[part].hex()}
        for part in PARTS
    }


def from_json(stored: object) -> Openings:
    """The same, read again; ``ValueError`` for what we have not written."""
    if not isinstance(stored, dict) or stored.keys() != set(PARTS):
        raise ValueError("openings name each part")
    found: dict[str, dict[Part, bytes]] = {"salt": {}, "digest": {}}
    for part in PARTS:
        opening = stored[part]
        if not isinstance(opening, dict) or len(opening) != 1:
            raise ValueError(f"{part} has a salt or a digest")
        ((kind, text),) = opening.items()
        if kind not in found or not isinstance(text, str):
            raise ValueError(f"{part} has a salt or a digest")
        found[kind][part] = bytes.fromhex(text)
    return Openings(found["salt"], found["digest"])


@lru_cache(maxsize=256)  # each kind of fact has a few
def _layout(names: tuple[str, ...]) -> list[tuple[Part, slice, list[str]]]:
    """Of each part the place of its salt, and which of these fields make it up, in their order there."""
    of: dict[Part, list[str]] = {part: [] for part in PARTS}
    for name in sorted(names):
        of[PART_OF.get(name, "internal")].append(name)
    return [(part, _PLACES[part], fields) for part, fields in of.items()]


def _canonical(stated: Mapping[str, Value]) -> Mapping[str, Value]:
    """The same with the fields of objects inside in their order."""
    if _NESTED.isdisjoint(map(type, stated.values())):
        return stated
    return {
        name: value if isinstance(value, UUID | datetime) else _sorted(value)
        for name, value in stated.items()
    }


def _sorted(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(each) for each in value] if isinstance(value, list) else value


_NESTED = frozenset({dict, list})
