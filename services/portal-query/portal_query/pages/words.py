"""The pages' words in three languages: gettext catalogues, compiled as they are read.

Messages are written in Portuguese in the templates, as the design names everything in it; so a template reads
as its page does. The catalogue of pt-BR repeats them, and is there to be looked at beside the others.
"""

from collections.abc import Mapping
from functools import cache
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

LANGUAGES = ("pt-BR", "en", "es")
FIRST = LANGUAGES[0]
_LOCALES = Path(__file__).parents[1] / "locales"


def locale(language: str) -> Locale:
    """The formats of a language."""
    return Locale.parse(language, sep="-")


def path(language: str) -> Path:
    """Where the catalogue of a language lies."""
    return _LOCALES / str(locale(language)) / "LC_MESSAGES" / "messages.po"


def catalogue(language: str) -> Catalog:
    """The catalogue of a language."""
    with path(language).open("rb") as file:
        return read_po(file, locale=locale(language))


@cache
def translations() -> Mapping[str, Translations]:
    """All catalogues, ready for templates."""
    ready = {}
    for language in LANGUAGES:
        compiled = BytesIO()
        write_mo(compiled, catalogue(language))
        compiled.seek(0)
        ready[language] = Translations(compiled)
    return ready


def preferred(accept_language: str) -> str:
    """The language for somebody of whom only the browser is known (RFC 9110 §12.5.4)."""
    weighted = []
    for number, part in enumerate(accept_language.split(",")):
        tag, _, weight = part.strip().partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        weighted.append((-quality, number, tag.strip().lower()))
    for _, _, tag in sorted(weighted):
        for language in LANGUAGES:
            if tag.partition("-")[0] == language.partition("-")[0].lower():
                return language
    return FIRST
