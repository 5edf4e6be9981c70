"""How often records are kept, where nobody has said so."""

import pytest
from relato_runtime.kafka import copies_on


@pytest.mark.parametrize(("brokers", "copies"), [(1, 1), (2, 2), (3, 3), (9, 3)])
def test_records_are_kept_three_times_where_there_are_as_many_brokers(brokers: int, copies: int) -> None:
    assert copies_on(brokers) == copies
