"""How far an erasure is, and how long files stay, as operators are told."""

from typing import Any

import pytest
from notes.privacy import withheld
from relato_contracts.topics import NOTES

from tests.integration.notes.conftest import Service
from tests.integration.notes.test_erasing import erased, said
from tests.integration.notes.test_verify import read
from tests.support.topics import read_all

__all__ = ["said"]


async def test_what_is_to_be_published_anew_is_counted_before_it_is(
    said: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    following, counted = withheld.following, []

    async def first_counted(*given: Any) -> Any:
        known = await read(said, "people/erasure")
        counted.append((known["phase"], known["done"], known["total"]))
        return await following(*given)

    monkeypatch.setattr(withheld, "following", first_counted)
    await erased(said, "ana")
    again = [each for each in await read_all(said.settings, NOTES, count=5) if _is_replayed(each)]
    assert counted[0] == ("topics", 3, 3 + len(again)), "three were erased"
    known = await read(said, "people/erasure")
    assert known["done"] == known["total"] == 3 + len(again)
    # Our stack's broker looks every 30 seconds and waits for five more; one as it comes, 300 and 60.
    assert known["files_seconds"] in {35, 360}


def _is_replayed(record: Any) -> bool:
    return "ce_replayid" in dict(record.headers)
