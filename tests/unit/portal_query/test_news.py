"""What of a request is new to its requester."""

from collections.abc import Sequence
from typing import cast

from portal_query.pages.news import EVERYTHING, NOTHING, seen_up_to
from portal_query.shapes import RequestEntry


def entries(*written: tuple[int, str]) -> Sequence[RequestEntry]:
    """Entries of a version and an author."""
    return [
        cast(RequestEntry, {"version": version, "author": {"id": author, "name": author}})
        for version, author in written
    ]


def test_without_anything_unread_nothing_is_new() -> None:
    assert seen_up_to(entries((1, "carlos"), (2, "ana")), "ana", 0) == EVERYTHING


def test_the_latest_of_what_others_wrote_is_new() -> None:
    assert seen_up_to(entries((3, "carlos"), (9, "ana"), (7, "edu"), (5, "carlos")), "ana", 2) == 3


def test_where_there_is_more_unread_than_is_shown_everything_is_new() -> None:
    assert seen_up_to(entries((3, "carlos"), (9, "ana")), "ana", 4) == NOTHING
