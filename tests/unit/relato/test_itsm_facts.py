"""What `relato itsm put` makes of a file."""

import pytest
from relato.commands.itsm import read
from relato.errors import StackError
from relato_contracts.itsm import CategorySaved

_CATEGORY = '{"category_id": "cat-rede", "name": "Rede", "active": true}'


def test_one_fact_or_a_list_of_facts_is_read() -> None:
    category = CategorySaved(category_id="cat-rede", name="Rede", active=True)
    assert list(read("categories", _CATEGORY)) == [category]
    assert list(read("categories", f"[{_CATEGORY}, {_CATEGORY}]")) == [category, category]


def test_all_that_is_wrong_is_said_at_once_with_its_place() -> None:
    broken = f'[{_CATEGORY}, {{"category_id": "cat 1", "name": "", "active": 1, "colour": "red"}}]'
    with pytest.raises(StackError) as refusal:
        read("categories", broken)
    places = {line.partition(":")[0] for line in str(refusal.value).splitlines()}
    assert places == {"/1/category_id", "/1/name", "/1/active", "/1/colour"}


@pytest.mark.parametrize("text", ["", "{", "nothing"])
def test_what_is_not_json_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(StackError, match="not JSON"):
        read("categories", text)
