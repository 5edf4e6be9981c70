"""Keys of the log and what is signed with them: ``python -m notes.signing KEY_FILE`` tells the public key.

The private key lies in a file outside of the database, so that whoever has the database cannot sign.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from relato_contracts import checkpoints
from relato_contracts.checkpoints import Checkpoint, Key

from notes.settings import NotesSettings


class NoKey(Exception):
    """The file holds no key that can be used."""


@dataclass(frozen=True, slots=True)
class Signer:
    """A log's private key."""

    key: Key
    private: Ed25519PrivateKey

    def sign(self, size: int, root: bytes) -> str:
        """The checkpoint of a tree, signed."""
        checkpoint = Checkpoint(self.key.name, size, root)
        return checkpoints.signed(checkpoint, self.key, self.private.sign(checkpoint.text().encode()))


def generated() -> str:
    """A new private key (PEM, PKCS #8)."""
    private = Ed25519PrivateKey.generate()
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def load(path: Path, name: str) -> Signer:
    """A private key from its file (PEM, PKCS #8); raises ``NoKey``."""
    try:
        private = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise NoKey(f"{path}: {error}") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise NoKey(f"{path} holds another kind of key than Ed25519")
    return Signer(Key(name, private.public_key().public_bytes_raw()), private)


def keys(lines: Iterable[str]) -> list[Key]:
    """Public keys, one a line, with remarks behind ``#``; ``ValueError`` for what is none."""
    given = (line.partition("#")[0].strip() for line in lines)
    return [checkpoints.key(line) for line in given if line]


def known(settings: NotesSettings) -> list[Key]:
    """The public keys that heads may be signed with; raises ``NoKey``."""
    if settings.log_keys_file:
        try:
            return keys(Path(settings.log_keys_file).read_text().splitlines())
        except (OSError, ValueError) as error:
            raise NoKey(f"{settings.log_keys_file}: {error}") from error
    return [load(Path(settings.log_key_file), settings.log_name).key] if settings.log_key_file else []


def signed(note: str, known: Iterable[Key]) -> Checkpoint | None:
    """The checkpoint of a note that one of these keys has signed; None for any other."""
    try:
        checkpoint, text, signatures = checkpoints.read(note)
    except ValueError:
        return None
    for key in known:
        for each in signatures:
            if (each.name, each.key_id) == (key.name, key.id) and key.name == checkpoint.origin:
                try:
                    Ed25519PublicKey.from_public_bytes(key.public).verify(each.signature, text.encode())
                except InvalidSignature:
                    return None
                return checkpoint
    return None


def main() -> None:
    """Print the public key of a private one, as ``RELATO_LOG_KEYS_FILE`` and verifiers take it."""
    if len(sys.argv) not in {2, 3}:
        raise SystemExit("usage: python -m notes.signing KEY_FILE [LOG_NAME]")
    try:
        print(load(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "relato").key.line())
    except NoKey as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
