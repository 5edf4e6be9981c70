"""What the demonstration data promises to whoever tries Relato with it."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from notes import bodies
from notes.text import read
from relato.demo.content import organisation, templates
from relato.demo.facts import company
from relato.demo.plan import SEED
from relato.demo.story import Action, Request, key, requests
from relato.demo.tickets import DemoTicket, moment_of, tickets
from relato_contracts import itsm
from relato_contracts.envelope import serialise
from relato_contracts.topics import key_of

MOMENT = datetime(2026, 11, 24, 15, 12, tzinfo=UTC)
_BODIES: dict[Action, type[bodies.Body]] = {
    "occurrences": bodies.OccurrenceBody,
    "messages": bodies.MessageBody,
    "chat": bodies.ChatBody,
    "views": bodies.ViewBody,
    "corrections": bodies.CorrectionBody,
    "visibility": bodies.VisibilityBody,
    "retraction": bodies.RetractionBody,
}


@pytest.fixture(scope="module")
def every() -> tuple[DemoTicket, ...]:
    return tickets(SEED, MOMENT)


@pytest.fixture(scope="module")
def stories(every: tuple[DemoTicket, ...]) -> dict[str, list[Request]]:
    return {ticket.end.ticket_id: list(requests(SEED, ticket)) for ticket in every}


def _saved(kind: type[itsm.ItsmFact]) -> dict[str, itsm.ItsmFact]:
    return {key_of(fact): fact for fact in company() if type(fact) is kind}


def test_there_are_40_people_8_groups_and_200_tickets_in_every_state(every: tuple[DemoTicket, ...]) -> None:
    assert len(_saved(itsm.PersonSaved)) == 40
    assert len(_saved(itsm.GroupSaved)) == 8
    assert len({ticket.end.ticket_id for ticket in every}) == 200
    states = Counter(ticket.end.status for ticket in every)
    assert set(states) == {"open", "in-progress", "suspended", "resolved", "closed", "cancelled"}


def test_carlos_executes_anas_ticket_1001_and_bia_has_1002(every: tuple[DemoTicket, ...]) -> None:
    by_id = {ticket.end.ticket_id: ticket.end for ticket in every}
    first, second = by_id["1001"], by_id["1002"]
    assert (first.requester_id, first.status, first.responsible_id) == ("ana", "in-progress", "carlos")
    assert (second.requester_id, second.status) == ("bia", "in-progress")
    group = _saved(itsm.GroupSaved)[first.group_id]
    assert isinstance(group, itsm.GroupSaved)
    assert "carlos" in group.member_ids


def test_the_people_to_act_as_are_active_and_have_addresses() -> None:
    people = _saved(itsm.PersonSaved)
    for person_id in ("ana", "bia", "carlos", "davi", "olga"):
        person = people[person_id]
        assert isinstance(person, itsm.PersonSaved)
        assert person.active
        assert person.email == f"{person_id}@empresa.example"


def test_requesters_and_officers_are_in_no_group() -> None:
    members = {member for group in organisation().group for member in group.members}
    assert not members & {"ana", "bia", "davi", "olga"}


def test_every_parameter_is_switched_on_and_names_what_exists() -> None:
    values = organisation().parameters
    assert {number for number, value in values.items() if value == "S"} == {252, 298, 299, 316, 371}
    assert values[297] == "N"
    assert {values[251], values[253], values[447]} == set(templates())
    assert values[262] in organisation().categories
    assert values[263] in organisation().origins


def test_categories_and_origins_share_a_topic_without_sharing_ids() -> None:
    catalog = [key_of(fact) for fact in company() if isinstance(fact, itsm.CategorySaved | itsm.OriginSaved)]
    assert len(catalog) == len(set(catalog))


def test_all_references_lead_somewhere(every: tuple[DemoTicket, ...]) -> None:
    people, groups = set(organisation().people), {group.id for group in organisation().group}
    for group in organisation().group:
        assert set(group.members) <= people
        assert {*group.comment, *group.execute} <= groups - {group.id}
    for ticket in every:
        assert ticket.end.requester_id in people
        assert ticket.end.responsible_id in {None, *_members(ticket.end.group_id)}


def test_facts_are_valid_by_the_contracts(every: tuple[DemoTicket, ...]) -> None:
    for fact in [*company(), *(fact for ticket in every for fact in (*ticket.beginning, ticket.end))]:
        assert type(fact).model_validate_json(serialise(fact), extra="forbid") == fact


def test_requests_are_what_the_api_takes(stories: dict[str, list[Request]]) -> None:
    for story in stories.values():
        for request in story:
            assert _BODIES[request.action].model_validate(dict(request.body), strict=False)


def test_what_people_write_is_kept_as_they_write_it(stories: dict[str, list[Request]]) -> None:
    for request in (request for story in stories.values() for request in story):
        for name in ("description_html", "text_html", "solution_html"):
            if name in request.body:
                assert read(str(request.body[name])).html == request.body[name]


def test_only_those_who_may_write_do(
    every: tuple[DemoTicket, ...], stories: dict[str, list[Request]]
) -> None:
    for ticket in every:
        allowed = {ticket.end.requester_id, *_members(ticket.end.group_id)}
        for request in stories[ticket.end.ticket_id]:
            assert request.author_id in allowed
            assert organisation().people[request.author_id].active


def test_nothing_happens_before_its_ticket_or_in_the_future(
    every: tuple[DemoTicket, ...], stories: dict[str, list[Request]]
) -> None:
    for ticket in every:
        assert MOMENT - timedelta(days=42) <= ticket.end.opened_at < MOMENT
        for request in stories[ticket.end.ticket_id]:
            if "occurred_at" in request.body:
                moment = datetime.fromisoformat(str(request.body["occurred_at"]))
                assert ticket.end.opened_at <= moment < MOMENT


def test_there_are_a_few_hundred_notes_messages_and_chat_lines(stories: dict[str, list[Request]]) -> None:
    actions = Counter(request.action for story in stories.values() for request in story)
    assert 200 <= actions["occurrences"] <= 400
    assert 60 <= actions["messages"] <= 200
    assert 60 <= actions["chat"] <= 200


def test_the_same_seed_and_moment_tell_the_same(
    every: tuple[DemoTicket, ...], stories: dict[str, list[Request]]
) -> None:
    again = tickets(SEED, moment_of(every[-1].end.opened_at))
    assert again == every
    assert [list(requests(SEED, ticket)) for ticket in again] == list(stories.values())
    assert key(SEED, "1001", 0) == key(SEED, "1001", 0) != key(SEED, "1001", 1)


def test_at_another_moment_the_same_people_do_the_same() -> None:
    later = tickets(SEED, MOMENT + timedelta(days=3, hours=5))
    for before, after in zip(tickets(SEED, MOMENT), later, strict=True):
        assert before.end.title == after.end.title
        authors = [request.author_id for request in requests(SEED, before)]
        assert authors == [request.author_id for request in requests(SEED, after)]


def _members(group_id: str) -> tuple[str, ...]:
    return next(group.members for group in organisation().group if group.id == group_id)
