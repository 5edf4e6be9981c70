"""What is wrong with single fields of a request."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field: a JSON pointer (RFC 6901) and a sentence."""

    pointer: str
    detail: str


def pointer(location: Sequence[int | str]) -> str:
    """Where in a JSON document, as a pointer (RFC 6901 §3)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in location)
