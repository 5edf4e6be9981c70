"""Where words or a name were erased a page says so, in its reader's language."""

from portal_query.pages import removed, words
from portal_query.read_about import About
from relato_contracts.erasure import ERASED


def test_a_name_is_a_removed_person_and_words_are_a_removed_text() -> None:
    entry = {
        "author": {"id": "ana", "name": ERASED},
        "description_html": ERASED,
        "version": 3,
        "emails": [ERASED],
    }
    english = words.translations()["en"].gettext
    assert removed.readable(entry, english) == {
        "author": {"id": "ana", "name": "Removed person"},
        "description_html": "Text removed",
        "version": 3,
        "emails": ["Text removed"],
    }


def test_what_was_not_erased_is_as_it_was() -> None:
    entry = {"author": {"name": "Ana"}, "text": f"Ela escreveu {ERASED} na tela"}
    assert removed.readable(entry, str.upper) == entry


def test_what_a_ticket_was_opened_for_is_a_removed_text() -> None:
    english = words.translations()["en"].gettext
    about = About(ERASED, others=[], more=False)
    assert removed.readable(about, english) == About("Text removed", others=[], more=False)
