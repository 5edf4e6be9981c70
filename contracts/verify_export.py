#!/usr/bin/env python3
"""Checks what `relato events export --proof` or a requester's download says, trusting nobody who made it.

    python verify_export.py FILE [--key KEY]

KEY is the log's public key, as a line or a file of lines, got from somewhere else than the export: without it
the file's own is used, and then whoever made the file may have made the key as well. Needs `cryptography`.

It checks that what is shown of each event leads to its commitment, that the events are one chain from the
first to the last, and that the chain's head is a leaf of the tree whose root was signed. What is left out
stays unknown, but cannot be another than it was when that was signed; whether it is kept from the reader or
was erased, nothing here can tell.
"""

import argparse
import base64
import json
import re
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

PARTS = ("about", "author", "internal", "reason", "solution", "text", "when")
KEY = re.compile(r"[^+\s]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+=*")
"""A public key as it is handed on: name, id, bytes (C2SP signed-note)."""


class Wrong(Exception):
    """The export does not prove what it says."""


def digest(tag: int, *pieces: bytes) -> bytes:
    """SHA-256 of something, told apart by what it is of."""
    return sha256(bytes([tag]) + b"".join(pieces)).digest()


def unhex(text: str, length: int = 32) -> bytes:
    """Bytes from hexadecimal digits."""
    raw = bytes.fromhex(text)
    if len(raw) != length:
        raise Wrong(f"{text!r} is no value of {length} bytes")
    return raw


def only(given: dict[str, Any], *names: str) -> bool:
    """Whether that is all that it has; beside a digest anything could be claimed that does not lead to it."""
    return set(given) == set(names)


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; of a name that comes twice readers would see one value or the other."""
    if len(dict(pairs)) < len(pairs):
        raise Wrong("a name stands twice in the same object")
    return dict(pairs)


def part(given: dict[str, Any]) -> bytes:
    """A part's digest: from what it says and its salt, or as it is given where it is left out."""
    if only(given, "digest"):
        return unhex(given["digest"])
    if not only(given, "fields", "salt"):
        raise Wrong("a part has something beside what it says and its salt, or beside its digest")
    # Canonical JSON (RFC 8785) of texts, whole numbers, truth values, and lists and objects of those.
    said = json.dumps(given["fields"], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return digest(2, unhex(given["salt"], 16), said.encode())


def commitment(event: dict[str, Any]) -> bytes:
    """What of an event goes into the chain."""
    if only(event, "version", "commitment"):
        return unhex(event["commitment"])
    if not only(event, "version", "parts"):
        raise Wrong(f"event {event['version']} has something beside its parts, or beside its commitment")
    if set(event["parts"]) != set(PARTS):
        raise Wrong(f"event {event['version']} has other parts than it should")
    return digest(3, *(part(event["parts"][name]) for name in PARTS))


def chain(ticket_id: str, events: list[dict[str, Any]]) -> dict[int, bytes]:
    """The chain's hash at each version."""
    head = digest(5, b"relato.chain.v1\n", ticket_id.encode())
    hashes: dict[int, bytes] = {}
    for expected, event in enumerate(events, 1):
        if event["version"] != expected:
            raise Wrong(f"event {expected} is missing")
        about = event.get("parts", {}).get("about", {}).get("fields", {})
        if about.get("ticket_id", ticket_id) != ticket_id:
            raise Wrong(f"event {expected} is of another ticket")
        head = hashes[expected] = digest(4, head, expected.to_bytes(8, "big"), commitment(event))
    return hashes


def root(leaf: bytes, place: int, size: int, proof: list[bytes]) -> bytes:
    """The root of the tree that has the leaf at this place (RFC 9162, 2.1.3.2)."""
    if not 0 <= place < size:
        raise Wrong("the leaf lies outside of the tree")
    last = size - 1
    for each in proof:
        if last == 0:
            raise Wrong("the proof is too long")
        if place & 1 or place == last:
            leaf = digest(1, each, leaf)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            leaf = digest(1, leaf, each)
        place, last = place >> 1, last >> 1
    if last:
        raise Wrong("the proof is too short")
    return leaf


def signed(note: str, keys: list[str]) -> tuple[str, int, bytes, str]:
    """Name, size and root of a checkpoint, and which of the keys has signed it (C2SP tlog-checkpoint)."""
    text, gap, below = note.rpartition("\n\n")
    text += "\n"
    for line in below.splitlines():
        _, name, encoded = line.split(" ")
        raw = base64.b64decode(encoded, validate=True)
        for key in keys:
            key_name, key_id, encoded_key = key.split("+", 2)
            public = base64.b64decode(encoded_key, validate=True)
            if gap and public[:1] == b"\x01" and name == key_name and raw[:4].hex() == key_id:
                if sha256(f"{name}\n".encode() + public).digest()[:4].hex() != key_id:
                    raise Wrong(f"{key_id} is not the id of its key")
                try:
                    Ed25519PublicKey.from_public_bytes(public[1:]).verify(raw[4:], text.encode())
                except InvalidSignature:
                    raise Wrong("the signature of the tree's head is not true") from None
                origin, size, encoded_root = text.split("\n")[:3]
                if origin != name:
                    raise Wrong(f"the key of {name} has signed for {origin}")
                return origin, int(size), base64.b64decode(encoded_root, validate=True), key
    raise Wrong("the tree's head is not signed by a key that is known")


def verify(export: dict[str, Any], keys: list[str]) -> str:
    """What is proven, in a sentence; raises Wrong."""
    if export["format"] != "relato.proof.v1":
        raise Wrong(f"{export['format']!r} is another format")
    if not only(export, "format", "ticket_id", "events", "sealed"):
        raise Wrong("the export has something beside events and what was signed, or lacks one of them")
    events, sealed = export["events"], export["sealed"]
    hashes = chain(export["ticket_id"], events)
    if sealed is None:
        raise Wrong("no head of the tree was signed yet: the chain closes, but nobody vouches for it")
    if not only(sealed, "version", "place", "proof", "checkpoint", "keys"):
        raise Wrong("something stands beside what was signed, or is missing there")
    name, size, signed_root, key = signed(sealed["checkpoint"], keys or sealed["keys"])
    head = hashes.get(sealed["version"])
    if head is None:
        raise Wrong(f"event {sealed['version']}, up to which it was signed, is missing")
    if root(digest(0, head), sealed["place"], size, [unhex(each) for each in sealed["proof"]]) != signed_root:
        raise Wrong("the events are not those that were signed")
    proven = events[: sealed["version"]]
    hidden = sum("commitment" in event for event in proven)
    parts = sum("digest" in each for event in proven for each in event.get("parts", {}).values())
    said = [
        f"verified: ticket {export['ticket_id']}, events 1 to {sealed['version']}, {hidden} of them hidden"
        f" and {parts} parts of the others,",
        f"as signed for the log {name!r} with {size} leaves by {key}",
    ]
    if later := len(events) - sealed["version"]:
        said.append(f"not proven: the last {later}, which came after that")
    if not keys:
        said.append("That key stands in the file itself: compare it with the one you know (--key).")
    return "\n".join(said)


def known(key: str) -> list[str]:
    """The lines of a key or of a file of keys; raises Wrong where there is none."""
    lines = Path(key).read_text(encoding="utf-8").splitlines() if Path(key).is_file() else [key]
    keys = [line for each in lines if (line := each.split("#")[0].strip())]
    for line in keys:
        if not KEY.fullmatch(line):
            raise Wrong(f"{line!r} is neither a key of a log nor a file of keys")
    if not keys:
        raise Wrong(f"there is no key in {key!r}")
    return keys


def main() -> None:
    """Say what is proven, or what is wrong (exit code 1)."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("file", type=Path)
    arguments.add_argument("--key", help="the log's public key, or a file of such lines")
    given = arguments.parse_args()
    try:
        keys = [] if given.key is None else known(given.key)
        export = json.loads(given.file.read_text(encoding="utf-8"), object_pairs_hook=once)
        print(verify(export, keys))
    except Wrong as error:
        sys.exit(f"wrong: {error}")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        sys.exit(f"wrong: it is no export that can be read ({error!r})")


if __name__ == "__main__":
    main()
