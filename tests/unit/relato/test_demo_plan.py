"""How a load finds out what is still to be done."""

from datetime import UTC, datetime, timedelta

import pytest
from relato.demo.plan import OthersTickets, Plan, plan
from relato.demo.tickets import LAST
from relato_contracts.fields import Fact
from relato_contracts.itsm import PersonSaved, TicketSaved
from relato_contracts.topics import key_of

NOW = datetime(2026, 11, 24, 15, 12, 33, tzinfo=UTC)
Topics = dict[tuple[type[Fact], str], Fact]


def _publish(topics: Topics, todo: Plan, *, ends: bool = True) -> Topics:
    """The topics after a load, or after one that broke off before its end."""
    said = [*todo.mark, *todo.facts, *(todo.ends if ends else ())]
    return topics | {(type(each.fact), key_of(each.fact)): each.fact for each in said}


def test_everything_is_to_be_done_on_empty_topics() -> None:
    todo = plan({}, NOW)
    assert {key_of(said.fact) for said in todo.mark} == {LAST}
    assert len({key_of(said.fact) for said in todo.facts if isinstance(said.fact, TicketSaved)}) == 199
    assert todo.requested > 400
    assert {said.fact.status for said in todo.ends if isinstance(said.fact, TicketSaved)} >= {
        "closed",
        "cancelled",
    }


def test_tickets_are_worked_on_before_they_are_closed() -> None:
    todo = plan({}, NOW)
    first_said = {said.fact.status for said in todo.facts if isinstance(said.fact, TicketSaved)}
    assert first_said == {"open", "in-progress"}


def test_nothing_is_to_be_done_after_a_load() -> None:
    topics = _publish({}, plan({}, NOW))
    assert plan(topics, NOW + timedelta(days=30)) == Plan()


def test_what_people_changed_since_stays_as_they_want_it() -> None:
    topics = _publish({}, plan({}, NOW))
    del topics[PersonSaved, "caio"]
    ticket = topics[TicketSaved, "1001"]
    topics[TicketSaved, "1001"] = ticket.model_copy(update={"status": "closed"})
    closed = next(key for key, fact in topics.items() if getattr(fact, "status", "") == "cancelled")
    topics[closed] = topics[closed].model_copy(update={"status": "in-progress"})
    removed = next(key for key, fact in topics.items() if getattr(fact, "status", "") == "resolved")
    del topics[removed]
    assert plan(topics, NOW + timedelta(days=1)) == Plan()


def test_a_load_that_broke_off_goes_on_with_the_same_requests() -> None:
    whole = plan({}, NOW)
    topics = _publish({}, whole, ends=False)
    rest = plan(topics, NOW + timedelta(hours=3))
    assert not rest.mark
    assert not rest.facts
    assert rest.stories == whole.stories
    assert [said.fact for said in rest.ends] == [said.fact for said in whole.ends]


def test_a_load_that_broke_off_at_its_first_fact_goes_on_from_the_same_moment() -> None:
    whole = plan({}, NOW)
    topics: Topics = {(TicketSaved, LAST): whole.mark[-1].fact}
    rest = plan(topics, NOW + timedelta(hours=3))
    assert [said.fact for said in rest.facts] == [said.fact for said in whole.facts]
    assert rest.stories == whole.stories


def test_others_tickets_are_left_alone() -> None:
    of_somebody = plan({}, NOW).facts[-1].fact.model_copy(update={"ticket_id": "INC-7"})
    with pytest.raises(OthersTickets):
        plan({(TicketSaved, "INC-7"): of_somebody}, NOW)
