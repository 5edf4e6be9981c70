"""What is wrong with single fields of a request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field: a JSON pointer (RFC 6901) and a sentence.

    Pages say it in their readers' languages by ``code``, with ``values`` in it.
    """

    pointer: str
    detail: str
    code: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)

    def shape(self) -> Mapping[str, object]:
        """As it stands in a problem."""
        coded = {} if self.code is None else {"code": self.code, "values": dict(self.values)}
        return {"pointer": self.pointer, "detail": self.detail, **coded}


def pointer(location: Sequence[int | str]) -> str:
    """Where in a JSON document, as a pointer (RFC 6901 §3)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in location)
