"""What is wrong with a mail template: a sentence with its line, and a code for other languages."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from relato_runtime.field_errors import FieldError

_SAID_LIMIT = 300
# What Jinja2 (and the sandbox) says most often, in its own words; the rest is told as it stands.
_KNOWN = (
    ("unknown-filter", re.compile(r"No filter named '(?P<name>[^']*)'")),
    ("unknown-test", re.compile(r"No test named '(?P<name>[^']*)'")),
    ("unknown-tag", re.compile(r"Encountered unknown tag '(?P<name>[^']*)'")),
    ("unfinished", re.compile(r"(?i:unexpected end of template|missing end of)")),
    ("expected", re.compile(r"expected token '(?P<wanted>.*?)', got '(?P<name>.*?)'")),
    ("unexpected", re.compile(r"unexpected (?:char )?'(?P<name>.*?)'")),
    ("unknown-variable", re.compile(r"'(?P<name>\w+)' is undefined")),
    ("no-attribute", re.compile(r"has no (?:attribute|element) '?(?P<name>[^']*)")),
    ("by-zero", re.compile(r"division by zero|modulo by zero")),
    ("too-greedy", re.compile(r"^MemoryError$")),
    ("too-long", re.compile(r"more than (?P<limit>\d+) characters")),
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong; ``said`` is English, ``code`` and ``values`` are for translations."""

    code: str
    said: str
    line: int | None = None
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def detail(self) -> str:
        """The sentence, with the line where that is known."""
        said = self.said[:_SAID_LIMIT]
        return said if self.line is None else f"Line {self.line}: {said}"

    def told(self) -> Mapping[str, str]:
        """All that a translation may name."""
        line = {} if self.line is None else {"line": str(self.line)}
        return {**self.values, **line, "said": self.said[:_SAID_LIMIT]}

    def at(self, pointer: str) -> FieldError:
        """This, said of a field."""
        return FieldError(pointer, self.detail, self.code, self.told())


def fault(said: str, line: int | None = None, *, otherwise: str) -> Fault:
    """What Jinja2 said, by its code; ``otherwise`` is that of what is not known here."""
    for code, pattern in _KNOWN:
        if found := pattern.search(said):
            return Fault(code, said, line, found.groupdict())
    return Fault(otherwise, said, line)
