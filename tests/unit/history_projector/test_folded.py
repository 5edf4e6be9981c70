"""What a verification takes for right of what the ITSM says: its last state, as far as it was taken in."""

from collections.abc import Sequence
from dataclasses import replace

from history_projector import refold
from history_projector.folded import Rows, afresh, differences
from relato_contracts.erasure import untold
from relato_contracts.fields import Fact
from relato_runtime.jobs import Finding
from relato_runtime.positions import Record

from tests.support import stream as a
from tests.support.world import ticket


def said(*facts: Fact) -> list[Record]:
    """The ITSM's facts as they lie on its topic, from offset 0 on."""
    return [
        record for record, _, _ in a.log(a.enveloped(number, fact, 1) for number, fact in enumerate(facts))
    ]


def rows(records: Sequence[Record], before: int) -> Rows:
    """The rows of ticket 1001 for whoever has taken in what lies before an offset."""
    return afresh(records, {"itsm.tickets 0": before}).get("1001", {})


def columns(wanted: Rows, found: Rows) -> dict[str, list[str]]:
    """In which columns of which tables these rows differ."""
    return {each.detail["part"]: each.detail["columns"] for each in differences("1001", wanted, found)}


def test_of_a_tickets_states_the_last_one_that_was_taken_in_counts() -> None:
    first, second = said(ticket(), ticket(status="closed"))
    removed = replace(second, value=None, headers=[], offset=2)
    records = [first, second, removed]
    assert rows(records, 0) == {}
    opened, closed, gone = (rows(records, before) for before in (1, 2, 3))
    assert [each.status for each in opened["tickets"]] == ["in-progress"]
    assert [each.status for each in closed["requester_tickets"]] == ["closed"]
    assert differences("1001", gone, {}) == [], "as if there had never been any"
    assert [each.kind for each in differences("1001", gone, closed)] == ["row-unexpected"] * 2
    assert opened["ticket_entries"] == [], "how it changed is not told again"


def test_who_may_see_a_ticket_is_compared_in_both_tables() -> None:
    wanted, found = (rows(said(each), 1) for each in (ticket(), ticket(requester_id="bia", group_id="campo")))
    assert columns(wanted, found) == {
        "tickets": ["requester_id", "group_id"],
        "requester_tickets": ["requester_id"],
    }


def test_a_title_that_is_erased_on_one_side_is_no_difference_and_all_else_still_is() -> None:
    known, erased = (rows(said(each), 1) for each in (ticket(), untold(ticket())))
    assert columns(known, erased) == columns(erased, known) == {}
    closed = rows(said(untold(ticket(status="closed"))), 1)
    assert columns(known, closed) == {"tickets": ["status"], "requester_tickets": ["status"]}


def test_what_lies_on_a_topic_where_it_does_not_belong_is_no_state() -> None:
    (record,) = said(ticket())
    elsewhere = replace(record, topic="relato.notes")
    assert afresh([elsewhere], {"relato.notes 0": 1}) == {}


def test_what_could_not_be_compared_is_verified_once_more_and_not_rebuilt() -> None:
    repairs = {kind: refold.repair(Finding(kind)) for kind in ("row-moving", "row-different")}
    assert repairs == {
        "row-moving": "relato events verify",
        "row-different": "relato projections rebuild history",
    }
