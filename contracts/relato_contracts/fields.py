"""What the fields of facts are made of: ids, times, texts and their limits."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

HTML_LIMIT_BYTES = 64 * 1024
CHAT_LIMIT_CHARACTERS = 4_000
MINUTES_LIMIT = 525_600  # a year


class Fact(BaseModel):
    """Something that happened, as it stands on a topic: frozen, and strict about JSON types.

    Consumers ignore fields they do not know. Producers must not send any: decode what they hand
    in with ``extra="forbid"``.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:  # 0001-01-01T00:00+14:00 has no UTC form
        raise ValueError("this moment cannot be expressed in UTC") from error


def _fits(html: str) -> str:
    if len(html.encode()) > HTML_LIMIT_BYTES:
        raise ValueError(f"at most {HTML_LIMIT_BYTES} bytes of UTF-8")
    return html


# Patterns go into the schemas, so they keep to what ECMA-262, Rust, Python and Java read alike.
_NO_NUL = r"^[^\x00]*$"  # PostgreSQL's text cannot hold U+0000

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
UtcTime = Annotated[AwareDatetime, AfterValidator(_utc)]
Minutes = Annotated[int, Field(ge=0, le=MINUTES_LIMIT)]
Version = Annotated[int, Field(ge=1, le=2**31 - 1)]
Html = Annotated[
    str,
    StringConstraints(max_length=HTML_LIMIT_BYTES, pattern=_NO_NUL),
    AfterValidator(_fits),
    Field(description=f"At most {HTML_LIMIT_BYTES} bytes of UTF-8."),
]
Text = Annotated[str, StringConstraints(max_length=HTML_LIMIT_BYTES, pattern=_NO_NUL)]
ChatText = Annotated[str, StringConstraints(min_length=1, max_length=CHAT_LIMIT_CHARACTERS, pattern=_NO_NUL)]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=2_000, pattern=_NO_NUL)]
# Names and titles go into mail headers and list rows: one line, no control characters.
Line = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
