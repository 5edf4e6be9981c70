"""The pages' words: complete in each language, and none that nobody uses."""

import pytest
from portal_query.pages import messages, words


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_every_message_has_a_translation_that_somebody_is_sure_of(language: str) -> None:
    """What fails here is written by ``python -m portal_query.pages.messages`` and then translated."""
    assert list(messages.gaps(language)) == []


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_translations_speak_of_the_same_values(language: str) -> None:
    wrong = [(message.id, error) for message, error in words.catalogue(language).check()]
    assert wrong == []


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "pt-BR"),
        ("pt-PT,pt;q=0.9", "pt-BR"),
        ("de-DE,es-MX;q=0.8,en;q=0.5", "es"),
        ("en;q=0.2, es;q=0.9", "es"),
        ("fr, *;q=nonsense", "pt-BR"),
        ("EN-us", "en"),
    ],
)
def test_a_browser_gets_the_language_that_it_prefers(header: str, language: str) -> None:
    assert words.preferred(header) == language
