"""Pure: what a template may say, in the reader's language and time zone."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from markupsafe import Markup
from relato_contracts.erasure import ERASED
from relato_contracts.itsm import EmailVariant, Language

_FALLBACK: Language = "pt-BR"
_REMOVED = {"pt-BR": "Pessoa removida", "en": "Removed person", "es": "Persona eliminada"}
_LINE_ENDS = re.compile(r"</(?:p|div|li|blockquote|pre|h[1-3])>|<br\s*/?>")


@dataclass(frozen=True, slots=True)
class Letter:
    """All that a template can reach, made of what the requester may see; ``…_html`` is markup already."""

    kind: Literal["occurrence", "message", "chat"]
    ticket_id: str
    ticket_title: str
    author_name: str
    recipient_name: str
    text: str
    text_html: str
    solution: str
    solution_html: str
    happened_at: str
    link: str
    language: str


def variant_for(language: str, variants: tuple[EmailVariant, ...]) -> EmailVariant | None:
    """The text in the reader's language, else in Portuguese, else the first there is."""
    by_language = {variant.language: variant for variant in reversed(variants)}
    for wanted in (language, _FALLBACK):
        if found := next((each for name, each in by_language.items() if name == wanted), None):
            return found
    return variants[0] if variants else None


def known_as(name: str, language: str) -> str:
    """A name as readers are told it; of who was erased nobody knows one."""
    return _REMOVED.get(language, _REMOVED[_FALLBACK]) if name == ERASED else name


def moment(at: datetime, language: str, time_zone: str) -> str:
    """A date and time as the reader writes them, with the zone."""
    return format_datetime(at, "long", ZoneInfo(time_zone), language.replace("-", "_"))


def plain(html: str) -> str:
    """Sanitised markup as plain text, a line for each block."""
    lines = (Markup(part).striptags() for part in _LINE_ENDS.split(html))  # noqa: S704  # it stays text
    return "\n".join(line for line in lines if line)


def marked_up(text: str) -> str:
    """Plain text as markup that looks the same."""
    return "<br>".join(str(Markup.escape(line)) for line in text.splitlines())
