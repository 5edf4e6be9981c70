"""Which dead letters hold what a fact says is erased, when nobody can read what they say."""

import json
from dataclasses import replace

import pytest
from relato_contracts.erasure import untold
from relato_contracts.fields import Fact
from relato_runtime.positions import Record
from relato_runtime.silent_letters import Letter, goes

from tests.support import stream as a
from tests.support import world


def record(fact: Fact, version: int) -> Record:
    """A fact as it came, at the offset of its version."""
    [(record, _, _)] = a.log([a.noted(version, fact)])
    return replace(record, offset=version)


def letter(of: Record, offset: int, *, version: bytes | None = None, **more: bytes) -> Letter:
    """A broken record of the same key."""
    headers = {"ce_streamversion": version, **more}
    kept = [[name.replace("_x_", "-"), raw.hex()] for name, raw in headers.items() if raw is not None]
    return Letter(1, of.topic, 0, offset, of.key or b"", json.dumps(kept))


ERASING = a.erased([a.recorded(1), a.recorded(2)], [2])


@pytest.mark.parametrize(("version", "gone"), [(b"1", False), (b"2", True), (b"02x", True), (None, True)])
def test_a_record_of_a_version_that_is_named_goes_and_one_of_none(version: bytes | None, gone: bool) -> None:
    erasing = record(ERASING, 3)
    assert goes(letter(erasing, 1, version=version), erasing, ERASING) is gone


def test_what_came_afterwards_may_hold_nothing_of_it() -> None:
    erasing = record(ERASING, 3)
    assert not goes(letter(erasing, 4), erasing, ERASING)
    assert not goes(letter(erasing, 4, version=b"2", relato_x_openings=b"{}"), erasing, ERASING)
    assert goes(letter(erasing, 4, version=b"2"), erasing, ERASING), (
        "it is published again before it is erased"
    )


def test_of_another_ticket_nothing_goes() -> None:
    erasing = record(ERASING, 3)
    assert not goes(letter(erasing, 1, version=b"2")._replace(key=b"1002"), erasing, ERASING)


def test_broken_states_of_a_ticket_go_once_the_itsm_says_it_without_its_title() -> None:
    ticket = untold(world.ticket())
    said = record(ticket, 3)
    assert goes(letter(said, 2), said, ticket)
    assert not goes(letter(said, 4), said, ticket)
