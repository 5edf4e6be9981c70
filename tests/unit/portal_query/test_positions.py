"""What a client of a stream says about how far it has come."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portal_query.statements import pattern
from portal_query.streams import Position, beginning, resumed

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@given(st.integers(0, 2**31 - 1))
def test_a_position_is_read_back_from_the_id_of_its_event(version: int) -> None:
    position = beginning(version, NOW)
    assert resumed(str(position)) == Position(version, NOW, NOW - timedelta(hours=1))


def test_a_page_is_told_of_what_came_since_it_was_made_however_late_its_stream_begins() -> None:
    made = NOW - timedelta(hours=2)
    assert beginning(7, NOW, made).looked_at == made - timedelta(minutes=5)


@pytest.mark.parametrize(
    "text",
    [None, "", "7", "7-1", "a-b-c", "-1-1-1", "7-1-1-1", "9999999999-1-1", "7-1-99999999999999999", "٣-1-1"],
)
def test_what_is_no_position_is_none(text: str | None) -> None:
    assert resumed(text) is None


@pytest.mark.parametrize(
    ("search", "expected"), [("Não", "%nao%"), ("50%", "%50\\%%"), ("a_b\\c", "%a\\_b\\\\c%"), ("ÀÉ", "%ae%")]
)
def test_a_search_is_folded_and_says_what_it_says(search: str, expected: str) -> None:
    assert pattern(search) == expected
