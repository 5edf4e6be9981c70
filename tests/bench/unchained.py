"""The notes service as it would be without chains, to measure what they cost.

The same code and the same statement; only salts and hashes are not made, and NULL stands in their place.
"""

from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import cast

from notes import handle
from notes.proof import chain
from notes.proof.chain import Event
from notes.settings import NotesSettings
from relato_runtime.serve import serve


def _nothing(_known: Mapping[tuple[str, int], bytes], events: Iterable[Event]) -> list[bytes]:
    return [cast(bytes, None) for _ in events]


def main() -> None:
    """Run it."""
    setattr(chain, "follow", _nothing)  # noqa: B010
    setattr(handle, "secrets", SimpleNamespace(token_bytes=lambda _number: None))  # noqa: B010
    serve("notes", NotesSettings, "notes.app:build")


if __name__ == "__main__":
    main()
