"""Brings the catalogues up to date with the templates: ``python -m portal_query.pages.messages``.

What is new in them stands there without a translation, and a test fails until it has one.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po
from relato_runtime.mail_templates import VARIABLES

from portal_query.pages import removed, words
from portal_query.parameters import PARAMETERS

_NO_DATE = datetime(2026, 1, 1, tzinfo=UTC)
_TEMPLATES = Path(__file__).parents[1] / "templates"


def used() -> Catalog:
    """All messages of the templates."""
    catalog = Catalog(project="Relato", charset="utf-8")
    found = extract_from_dir(
        str(_TEMPLATES),
        method_map=[("**.html", "jinja2.ext:babel_extract")],
        options_map={"**.html": {"trimmed": "true", "silent": "false"}},
    )
    for file, _line, message, _comments, context in found:
        catalog.add(message, locations=[(file, 0)], context=context)
    for text in _texts():
        catalog.add(text, locations=[("parameters.py", 0)])
    for text in removed.WORDS:
        catalog.add(text, locations=[("removed.py", 0)])
    return catalog


def _texts() -> Iterator[str]:
    """What templates translate without naming it: tables in Python."""
    yield from VARIABLES.values()
    for each in PARAMETERS.values():
        yield from (each.name, each.meaning)
        if each.off is not None:
            yield each.off.consequence


def gaps(language: str) -> Iterator[str]:
    """What the catalogue of a language lacks, has too much, or is not sure of."""
    catalog, wanted = words.catalogue(language), used()
    for message in wanted:
        if message.id and message.id not in catalog:
            yield f"{language}: not in the catalogue: {message.id}"
    for message in catalog:
        if message.id and message.id not in wanted:
            yield f"{language}: no longer used: {message.id}"
        if message.id and (message.fuzzy or not _complete(message)):
            yield f"{language}: without a translation: {message.id}"


def update() -> None:
    """Write the catalogues anew; of the first language, each message is its own translation."""
    for language in words.LANGUAGES:
        wanted = used()  # anew, since a catalogue takes messages over as they are and changes them
        path = words.path(language)
        catalog = words.catalogue(language) if path.exists() else Catalog(locale=words.locale(language))
        catalog.update(wanted, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        if language == words.FIRST:
            for message in catalog:
                message.string = message.id
        # What changes here is seen by the repository; dates would only make two branches differ.
        catalog.header_comment, catalog.fuzzy = f"# Relato: {language}", False
        catalog.project, catalog.version = "Relato", "1"
        catalog.creation_date = catalog.revision_date = _NO_DATE
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            write_po(file, catalog, width=110, sort_output=True, include_lineno=False)


def _complete(message: Message) -> bool:
    strings = [message.string] if isinstance(message.string, str) else list(message.string or [""])
    return all(strings)


if __name__ == "__main__":
    update()
