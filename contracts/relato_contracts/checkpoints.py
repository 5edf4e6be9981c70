"""A tree's head as people and programs elsewhere read it: C2SP's tlog-checkpoint in a signed-note.

The text is signed as it stands: a line each for the log's name, the tree's size and its root, then an empty
one and the signatures. Keys are written as one line, too: name, id and public key.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

_ED25519 = b"\x01"
_DASH = "\u2014"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How many leaves a log's tree had, and which root."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True)
class Signature:
    """By which key of whom a text is signed; whether it is, cryptography tells."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Key:
    """A log's public key (Ed25519) under its name."""

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        """By which signatures name it."""
        return sha256(f"{self.name}\n".encode() + _ED25519 + self.public).digest()[:4]

    def line(self) -> str:
        """As it is handed on."""
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"


def signed(checkpoint: Checkpoint, key: Key, signature: bytes) -> str:
    """The checkpoint with its signature below."""
    return f"{checkpoint.text()}\n{_DASH} {key.name} {base64.b64encode(key.id + signature).decode()}\n"


def read(note: str) -> tuple[Checkpoint, str, Sequence[Signature]]:
    """A checkpoint, the text that is signed, and the signatures; ``ValueError`` for what is none."""
    text, gap, below = note.rpartition("\n\n")
    text += "\n"
    lines = text.split("\n")
    if not gap or len(lines) < 4 or not note.endswith("\n"):
        raise ValueError("it is no checkpoint")
    origin, size, root = lines[:3]
    if not origin or not size.isascii() or not size.isdigit() or str(int(size)) != size:
        raise ValueError("it is no checkpoint")
    return (
        Checkpoint(origin, int(size), _decoded(root, 32)),
        text,
        [_signature(each) for each in below.splitlines()],
    )


def key(line: str) -> Key:
    """A public key from its line; ``ValueError`` for what is none."""
    name, key_id, encoded = line.strip().split("+", 2)
    raw = _decoded(encoded, 33)
    found = Key(name, raw[1:])
    if not name or raw[:1] != _ED25519 or found.id.hex() != key_id:
        raise ValueError("it is no key of a log")
    return found


def _signature(line: str) -> Signature:
    dash, name, encoded = line.split(" ")
    raw = _decoded(encoded, 68)
    if dash != _DASH:
        raise ValueError("it is no signature")
    return Signature(name, raw[:4], raw[4:])


def _decoded(text: str, length: int) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("it is no base64") from error
    if len(raw) != length:
        raise ValueError(f"it does not have {length} bytes")
    return raw
