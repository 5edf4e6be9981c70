"""Facts that Kafka has and the log has not: what follows for the log."""

from datetime import UTC, datetime
from uuid import UUID

from notes import requested
from notes.operating.adopt import Arrival, follow, ours
from notes.proof import chain
from notes.state import State
from notes.store import Stream
from relato_contracts.commitments import SALT_BYTES
from relato_contracts.notes import NoteEvent, Release

from tests.support import stream as a

EMPTY = {"1001": Stream(State(), datetime(2026, 1, 1, tzinfo=UTC))}


def arrivals(*facts: NoteEvent, first: int = 1, salted: bool = True) -> list[Arrival]:
    """Facts of ticket 1001 as they were found on Kafka."""
    given = (a.noted(version, fact) for version, fact in enumerate(facts, first))
    records = [record for record, _, _ in a.log(given)]
    if salted:
        for record in records:
            record.headers.append((chain.SALT, b"5a" * SALT_BYTES))  # type: ignore[attr-defined]  # a list
    return ours(records)


def test_facts_that_follow_on_the_log_are_adopted_as_they_are() -> None:
    found = arrivals(a.recorded(1, visible_to_requester=True), a.corrected(1, description_html="<p>B</p>"))
    adopted = follow(EMPTY, found, ())
    assert [(each.version, each.event_id) for each in adopted.events] == [
        (1, a.event_id("1001", 1)),
        (2, a.event_id("1001", 2)),
    ]
    assert [each.data.encode() for each in adopted.events] == [each.record.value for each in found]
    state = adopted.streams["1001"].state
    assert (state.version, state.shown_version) == (2, 2)
    assert adopted.streams["1001"].recorded_at == a.at(2)
    assert not adopted.diverged


def test_a_fact_at_a_version_that_the_log_has_otherwise_contradicts_it() -> None:
    known = {"1001": Stream(State(version=3), a.at(3))}
    adopted = follow(known, arrivals(a.chatted(3), a.chatted(4), first=3), {("1001", 3)})
    assert [each.version for each in adopted.diverged] == [3]
    assert [each.version for each in adopted.events] == [4]


def test_a_fact_behind_a_hole_contradicts_it() -> None:
    adopted = follow(EMPTY, arrivals(a.chatted(2), first=2), ())
    assert [each.version for each in adopted.diverged] == [2]
    assert not adopted.events


def test_a_fact_that_the_log_has_lost_fills_its_hole_once_and_changes_no_state() -> None:
    known = {"1001": Stream(State(version=3, seen_up_to=1, shown_version=2), a.at(3))}
    found = [*arrivals(a.chatted(2), first=2), *arrivals(a.chatted(7), first=2)]
    adopted = follow(known, found, {("1001", 1), ("1001", 3)})
    assert [each.data.encode() for each in adopted.events] == [found[0].record.value]
    assert adopted.streams == known
    assert [each.record.value for each in adopted.diverged] == [found[1].record.value]


def test_what_was_published_before_there_were_chains_fills_no_hole_before_what_is_chained() -> None:
    known = {"1001": Stream(State(version=3), a.at(3))}
    adopted = follow(known, arrivals(a.chatted(2), first=2, salted=False), {("1001", 1), ("1001", 3)})
    assert [each.version for each in adopted.diverged] == [2]
    assert not adopted.events


def test_what_is_held_back_is_held_back_in_the_adopted_log_too_and_what_is_released_no_more() -> None:
    held = a.recorded(1, release=Release(at=a.at(9), notify_by_email=True))
    adopted = follow(EMPTY, arrivals(held), ())
    due = adopted.held[a.uuid(1)]
    assert due is not None
    assert (due.ticket_id, due.due_at) == ("1001", a.at(9))
    released = a.visibility(1, visible=True, release_outcome="shown")
    assert follow(EMPTY, arrivals(held, released), ()).held == {a.uuid(1): None}


def test_what_others_have_published_is_none_of_ours() -> None:
    envelope, fact = a.noted(1, a.chatted(1), source="/elsewhere")
    assert not ours(record for record, _, _ in a.log([(envelope, fact)]))


def test_what_is_kept_of_a_request_is_read_again_and_nothing_else() -> None:
    assert requested.read(requested.written(b"\1\2", "planned", "k-1")) == (
        b"\1\2",
        "planned",
        "k-1",
    )
    for nonsense in ("", "x", "zz planned k", "0102 perhaps k", "0102 planned k more"):
        assert requested.read(nonsense) is None


def test_the_answer_to_a_request_follows_from_its_fact() -> None:
    number = str(UUID(int=a.uuid(1).int))
    assert requested.response("1001", 4, a.recorded(1), "planned") == {
        "ticket_id": "1001", "version": 4, "occurrence_id": number, "notification": "planned",
    }  # fmt: skip
    assert requested.response("1001", 4, a.recorded(1), "planned", a.at(9))["release_at"] == (
        a.at(9).isoformat().replace("+00:00", "Z")
    )
    assert requested.response("1001", 4, None, "none") == {
        "ticket_id": "1001", "version": 4, "recorded": False,
    }  # fmt: skip
