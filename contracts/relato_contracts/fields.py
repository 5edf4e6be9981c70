"""What the fields of facts are made of: ids, times, texts and their limits."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

HTML_LIMIT_BYTES = 64 * 1024
CHAT_LIMIT_CHARACTERS = 4_000
MINUTES_LIMIT = 525_600  # a year


# Far enough from the ends of the calendar that every reader's zone can express it.
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9998, 12, 31, tzinfo=UTC)


class Fact(BaseModel):
    """Something that happened, as it stands on a topic: frozen, and strict about JSON types.

    Consumers ignore fields they do not know. Producers must not send any: decode what they hand
    in with ``extra="forbid"``.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


def _read(moment: object) -> object:
    """RFC 3339 §5.6 and nothing else: pydantic would take the text "1" for a second of 1970."""
    if not isinstance(moment, str):
        return moment
    try:
        if _DATE.match(moment):
            return datetime.fromisoformat(moment.upper())
    except ValueError:
        pass
    raise ValueError("expected a date and time of RFC 3339, such as 2026-11-24T09:30:00-03:00")


def _utc(moment: datetime) -> datetime:
    if not EARLIEST <= moment <= LATEST:
        raise ValueError(f"expected a time between {EARLIEST.year} and {LATEST.year}")
    return moment.astimezone(UTC)


def _fits(html: str) -> str:
    if len(html.encode()) > HTML_LIMIT_BYTES:
        raise ValueError(f"at most {HTML_LIMIT_BYTES} bytes of UTF-8")
    return html


# Patterns go into the schemas, so they keep to what ECMA-262, Rust, Python and Java read alike.
# Control characters show nothing, take six bytes each in JSON, and PostgreSQL's text cannot hold U+0000.
_SEEN = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f]*$"
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]")

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
UtcTime = Annotated[
    AwareDatetime,
    BeforeValidator(_read),
    AfterValidator(_utc),
    Field(description=f"RFC 3339 with offset, from {EARLIEST.year} to {LATEST.year}."),
]
Minutes = Annotated[int, Field(ge=0, le=MINUTES_LIMIT)]
Version = Annotated[int, Field(ge=1, le=2**31 - 1)]
Html = Annotated[
    str,
    StringConstraints(max_length=HTML_LIMIT_BYTES, pattern=_SEEN),
    AfterValidator(_fits),
    Field(description=f"At most {HTML_LIMIT_BYTES} bytes of UTF-8."),
]
Text = Annotated[str, StringConstraints(max_length=HTML_LIMIT_BYTES, pattern=_SEEN)]
ChatText = Annotated[str, StringConstraints(min_length=1, max_length=CHAT_LIMIT_CHARACTERS, pattern=_SEEN)]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=2_000, pattern=_SEEN)]
# Names and titles go into mail headers and list rows: one line, no control characters.
Line = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
