"""HTML from templates: what they are given is looked at as far as they show it."""

from datetime import UTC, datetime
from typing import NoReturn
from uuid import UUID

import pytest
from portal_query.pages.reader import Reader
from portal_query.pages.render import Pages
from portal_query.read_forms import Catalogue
from portal_query.static import Static
from relato_contracts.erasure import ERASED

_MOMENT = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
_TICKET = {"ticket_id": "1001", "requester": {"id": "ana", "name": "Ana"}}


class Unread(dict[str, str]):
    """What nobody is to go through."""

    def items(self) -> NoReturn:
        raise AssertionError


class Reading:
    """Whoever only reads."""

    def on_entry(self, _entry: object) -> list[str]:
        return []


@pytest.fixture(scope="module")
def pages() -> Pages:
    return Pages(Static(), 10)


@pytest.mark.parametrize(("language", "words"), [("pt-BR", "Pessoa removida"), ("en", "Removed person")])
def test_a_name_that_was_erased_is_said_in_words(pages: Pages, language: str, words: str) -> None:
    somebody = {"id": "edu", "name": ERASED, "state": "viewing"}
    html = pages.fragment(Reader(language), "presence/desk.html", ticket=_TICKET, people=[somebody])
    assert words in html
    assert ERASED not in html


def test_where_nothing_was_erased_nothing_is_searched_for_it(pages: Pages) -> None:
    somebody = {"id": "edu", "name": "Edu", "state": "viewing"}
    given = {"ticket": _TICKET, "people": [somebody], "aside": Unread(known="Edu")}
    assert "Edu" in pages.fragment(Reader("pt-BR"), "presence/desk.html", **given)


def test_an_entry_says_by_name_what_it_is_filed_under_and_else_by_its_id(pages: Pages) -> None:
    entry = {
        "kind": "occurrence",
        "version": 3,
        "occurrence_id": UUID(int=1),
        "recorded_at": _MOMENT,
        "happened_at": _MOMENT,
        "author": {"id": "carlos", "name": "Carlos"},
        "description_html": "<p>Cabo trocado</p>",
        "visible_to_requester": False,
        "category_id": "cat-antiga",
        "origin_id": "org-nova",
    }
    catalogue = Catalogue((), (), Unread({"cat-antiga": "Antiga"}), Unread())
    given = {"ticket": _TICKET, "may": Reading(), "entry": entry, "catalogue": catalogue}
    html = pages.fragment(Reader("pt-BR"), "ticket/new.html", **given)
    assert "<span>Antiga</span>" in html
    assert "<span>org-nova</span>" in html
