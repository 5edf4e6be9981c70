"""What commitments and chains of them show, and what they keep to themselves."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from notes.operating.adopt import follow
from notes.operating.exporting import line_of
from notes.operating.importing import arrivals
from notes.outbox import Pending
from notes.proof import chain
from notes.state import State
from notes.store import Stream
from relato_contracts import commitments
from relato_contracts.commitments import PARTS, Part
from relato_contracts.envelope import serialise, type_name
from relato_contracts.erasure import without_texts

from tests.support import stream as a

SAID = {
    "ticket_id": "1001",
    "author_name": "Carlos Souza",
    "description_html": "<p>Ação “nova” \u2028 &amp; línea</p>",
    "time_spent_minutes": 5,
    "release": {"notify_by_email": True, "at": "2026-01-05T13:00:00Z"},
    "reason": "engano",
}
FIRST = UUID(int=1)


@dataclass(frozen=True)
class Event:
    """An event of the log."""

    ticket_id: str = "1001"
    version: int = 1
    event_id: UUID = FIRST
    type: str = "relato.OccurrenceRecorded.v1"
    actor: str = "carlos"
    correlation_id: str = "c-1"
    recorded_at: datetime = datetime(2026, 1, 5, 13, tzinfo=UTC)
    data: str = json.dumps(SAID)
    salt: bytes | None = bytes(range(32))
    openings: str | None = None


def one(event: chain.Event) -> bytes:
    (only,) = chain.follow({}, [event])
    return only


def test_the_same_event_has_the_same_hash_for_ever() -> None:
    """What is pinned here stands in signed heads: it never changes."""
    assert one(Event()).hex() == "f05c26a56962398214867ca9fb78bf69fb94d7b4e7bde1c3934065d399a80f4b"


@pytest.mark.parametrize(
    "change",
    [
        {"actor": "ana"}, {"event_id": UUID(int=2)}, {"recorded_at": datetime(2026, 1, 5, 14, tzinfo=UTC)},
        {"correlation_id": "c-2"}, {"salt": bytes(32)}, {"type": "relato.OccurrenceSolved.v1"},
        {"version": 2}, {"ticket_id": "1002"},
        *({"data": json.dumps(SAID | {name: "x"})} for name in [*SAID, "a-new-field"]),
    ],
    ids=str,
)  # fmt: skip
def test_whatever_is_changed_changes_the_hash_and_all_that_follow(change: dict[str, Any]) -> None:
    before = [Event(), Event(version=2, event_id=UUID(int=3)), Event(version=3, event_id=UUID(int=4))]
    after = [replace(before[0], **change), *before[1:]]
    assert one(after[0]) != one(before[0])
    if {"version", "ticket_id"}.isdisjoint(change):
        pairs = zip(chain.follow({}, before), chain.follow({}, after), strict=True)
        assert all(was != now for was, now in pairs)


def test_a_chain_goes_on_from_what_is_known_of_it() -> None:
    events = [Event(version=version, event_id=UUID(int=version)) for version in (1, 2, 3)]
    first, second, third = chain.follow({}, events)
    assert chain.follow({("1001", 2): second}, events[2:]) == [third]
    assert chain.follow({("1001", 1): first}, events[1:]) == [second, third]


@given(st.sets(st.sampled_from(PARTS)))
def test_parts_can_be_left_out_for_ever_and_the_commitment_stays(hidden: set[Part]) -> None:
    by_part = chain.parts(Event())
    shut = commitments.closed(by_part, commitments.openings(bytes(range(32))), hidden)
    assert shut.salts.keys() == set(PARTS) - hidden
    kept = chain.opened(None, chain.written(shut))
    redacted = {**by_part, **dict.fromkeys(hidden, b"[erased]")}
    assert one(Event()) == commitments.link(
        commitments.start("1001"), 1, commitments.commitment(by_part, commitments.openings(bytes(range(32))))
    )
    whole = commitments.commitment(by_part, commitments.openings(bytes(range(32))))
    assert commitments.commitment(redacted, kept) == whole


def test_every_part_has_a_salt_that_no_other_tells() -> None:
    salts = commitments.openings(bytes(32)).salts
    assert set(salts) == set(PARTS)
    assert len({*salts.values()}) == len(PARTS)
    assert {len(salt) for salt in salts.values()} == {16}


_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abcxyz_", min_size=1), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.text("abcxyz_", min_size=1), _values, max_size=5))
def test_parts_are_what_any_library_for_canonical_json_makes_of_them(data: dict[str, Any]) -> None:
    by_part = chain.parts(Event(data=json.dumps(data)))
    expected = json.dumps(
        data | {"correlation_id": "c-1"}, sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )
    assert by_part["internal"] == expected.encode()


@pytest.mark.parametrize("erased", [False, True])
def test_an_exported_line_leads_to_the_same_hash_again(erased: bool) -> None:
    fact = a.recorded(1)
    salt = bytes(range(32))
    event = Pending(
        *(1, "1001", 1, a.uuid(7), type_name(type(fact)), "carlos", "c-1", None, a.at(1)),
        data=serialise(fact).decode(),
        request=None,
        salt=salt,
    )
    before = one(event)
    if erased:
        shut = commitments.closed(chain.parts(event), commitments.openings(salt), ["text"])
        left = json.dumps(without_texts(json.loads(event.data), anonymous=False), separators=(",", ":"))
        event = replace(event, data=left, salt=None, openings=chain.written(shut))
    (arrival,) = arrivals([line_of(event)])
    assert (arrival.salt is None) is erased
    known = {"1001": Stream(State(), a.at(0))}
    (again,) = follow(known, [arrival], ()).events
    assert one(again) == before
    assert again.data == event.data


def test_records_carry_the_salt_or_the_openings_and_nonsense_is_neither() -> None:
    salt, shut = bytes(range(32)), chain.written(commitments.openings(bytes(32)))
    assert chain.carried(dict(chain.headers(salt, None))) == (salt, None)
    assert chain.carried(dict(chain.headers(None, shut))) == (None, shut)
    assert chain.headers(None, None) == []
    for nonsense in (b"", b"zz", b"5a5a", b"\xff"):
        assert chain.carried({chain.SALT: nonsense}) == (None, None)
    for nonsense in (b"{}", b"[", b'"x"', shut.encode()[:-9], shut.encode().replace(b'"salt"', b'"sold"', 1)):
        assert chain.carried({chain.OPENINGS: nonsense}) == (None, None)
