"""What requesters see of their own tickets, and that it is no more."""

import re

import asyncpg
import pytest
from history_projector import generations, making
from relato_contracts.topics import TICKETS

from tests.integration.portal_query.conftest import Portal
from tests.support import world
from tests.support.projection import (
    accepted,
    chatted,
    corrected,
    messaged,
    recorded,
    retracted,
    solved,
    viewed,
    visibility,
)

MINE = "/my/requests/1001"
SECRET = "Suspeita de fraude"


async def test_a_requester_sees_their_own_requests(portal: Portal) -> None:
    await portal.history.tell(messaged(), recorded(visible_to_requester=True), recorded())
    requests = await portal.entries("ana", "/my/requests")
    assert [request["ticket_id"] for request in requests] == ["1001", "1004", "1003"]
    request = (await portal.get("ana", MINE)).json()
    assert request == requests[0]
    assert request.pop("last_activity_at")
    assert request == {
        "ticket_id": "1001",
        "title": "VPN não conecta",
        "status": "in-progress",
        "requester": {"id": "ana", "name": "Ana"},
        "opened_at": "2026-11-02T09:30:00Z",
        "last_version": 2,
        "unread": 2,
    }
    await portal.history.tell(viewed(2))
    assert (await portal.get("ana", MINE)).json()["unread"] == 0


async def test_what_was_asked_for_is_the_requesters_to_read(portal: Portal) -> None:
    asked = "Não conecta.\n\n<b>Desde ontem</b>"
    await portal.history.tell(world.ticket("1001", description=asked))
    assert (await portal.get("ana", "/my/requests/1001")).json()["description"] == asked
    assert "description" not in (await portal.get("ana", "/my/requests")).json()["items"][0]
    assert (await portal.get("bia", "/my/requests/1001")).status_code == 404
    for path, person in (("/portal/requests/1001", "ana"), ("/desk/tickets/1001", "carlos")):
        answer = await portal.http.get(path, headers=portal.issuer.bearer(person) | {"Accept": "text/html"})
        assert "&lt;b&gt;Desde ontem&lt;/b&gt;" in answer.text
    await portal.history.tell(world.ticket("1001"))
    assert "description" not in (await portal.get("ana", "/my/requests/1001")).json()


async def test_a_rebuild_neither_loses_nor_repeats_what_was_asked_for(portal: Portal) -> None:
    await portal.history.tell(world.ticket("1001", description="Não conecta."))
    connection = await asyncpg.connect(portal.history.url)
    try:
        async with connection.transaction():
            number = await generations.add(connection, "building")
            await making.make(connection, number)
            await making.take_over(connection, number, 1, TICKETS.name)
            await making.show(connection, number, instead_of=1)
            await generations.become(connection, number, "live")
            await making.drop(connection, 1)
    finally:
        await connection.close()
    assert (await portal.get("ana", "/my/requests/1001")).json()["description"] == "Não conecta."


async def test_a_ticket_names_the_requesters_other_tickets_that_the_executor_may_see(portal: Portal) -> None:
    await portal.history.tell(world.ticket("2001", group_id="fora", title="De outro grupo"))
    answer = await portal.http.get(
        "/desk/tickets/1001", headers=portal.issuer.bearer("carlos") | {"Accept": "text/html"}
    )
    assert 'href="/desk/tickets/1003"' in answer.text
    assert "De outro grupo" not in answer.text
    assert 'href="/desk/tickets/1002"' not in answer.text, "of somebody else"


async def test_where_a_parameter_fixes_category_or_origin_the_requester_reads_which(portal: Portal) -> None:
    async def page() -> str:
        bearer = portal.issuer.bearer("ana") | {"Accept": "text/html"}
        return (await portal.http.get("/portal/requests/1001", headers=bearer)).text

    free = await page()
    assert '<option value="cat-rede">Rede</option>' in free
    assert "Antiga" not in free
    await portal.history.tell(world.parameter(262, "cat-rede"), world.parameter(263, "nada"))
    fixed = await page()
    assert '<option value="cat-rede">' not in fixed
    assert re.search(r'class="fixed">.*Rede</p>', fixed)
    assert '<option value="org-telefone">Telefone</option>' in fixed


async def test_the_request_of_somebody_else_is_not_found(portal: Portal) -> None:
    for path in ("", "/history", "/chat", "/stream"):
        for person, ticket_id in (("bia", "1001"), ("carlos", "1001"), ("ana", "unknown")):
            answer = await portal.get(person, f"/my/requests/{ticket_id}{path}")
            assert answer.status_code == 404
            assert answer.json()["type"].endswith("/ticket-not-found")


async def test_a_requester_sees_visible_occurrences_and_messages_both_ways(portal: Portal) -> None:
    fact = recorded(visible_to_requester=True, solution_html="<p>Novo cabo</p>")
    await portal.history.tell(fact, messaged(), messaged(author_id="ana"), recorded())
    answer, message, occurrence = await portal.entries("ana", MINE + "/history")
    assert occurrence.pop("recorded_at")
    assert occurrence == {
        "version": 1,
        "kind": "occurrence",
        "occurrence_id": str(fact.occurrence_id),
        "author": {"id": "carlos", "name": "Carlos"},
        "happened_at": "2026-11-02T09:30:00Z",
        "description_html": "<p>Cabo trocado</p>",
        "solution_html": "<p>Novo cabo</p>",
        "corrected": False,
    }
    assert (message["kind"], message["author"]) == ("message", {"id": "carlos", "name": "Carlos"})
    assert set(message) == {
        "version", "kind", "message_id", "author", "happened_at", "recorded_at", "description_html",
    }  # fmt: skip
    assert answer["author"] == {"id": "ana", "name": "Ana"}


async def test_nothing_internal_is_in_any_answer_to_a_requester(portal: Portal) -> None:
    fact = recorded(
        description_html=f"<p>{SECRET}</p>",
        description_text=SECRET,
        time_spent_minutes=4321,
        category_id="cat-rede",
        solution_html=f"<p>{SECRET}</p>",
    )
    shown = recorded(visible_to_requester=True, time_spent_minutes=4321, category_id="cat-rede")
    by_reason = corrected(shown, reason=SECRET, time_spent_minutes=4321)
    mail = accepted(shown.occurrence_id, portal.history.now)
    await portal.history.tell(fact, shown, by_reason, mail, visibility(shown, True), messaged())
    gone = recorded(visible_to_requester=True, description_html=f"<p>{SECRET}</p>")
    await portal.history.tell(gone, retracted(gone))
    stream = await portal.stream("ana", MINE + "/stream?after=0")
    await stream.next("presence")
    told = "".join(stream.lines)
    await stream.close()
    answers = [
        (await portal.get("ana", path)).text
        for path in ("/my/requests", MINE, MINE + "/history", MINE + "/chat")
    ]
    for text in (*answers, told):
        for internal in (SECRET, "4321", "cat-rede", "execution", "t-251", "reason", "retracted", "channel"):
            assert internal not in text


async def test_hiding_removes_and_showing_brings_back(portal: Portal) -> None:
    fact = recorded(visible_to_requester=True)
    await portal.history.tell(fact, visibility(fact, False))
    assert await portal.entries("ana", MINE + "/history") == []
    await portal.history.tell(visibility(fact, True), solved(fact))
    (entry,) = await portal.entries("ana", MINE + "/history")
    assert (entry["version"], entry["solution_html"]) == (4, "<p>Funciona</p>")


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        (298, {"message": True, "occurrence": False, "solution": False, "chat": True}),
        (299, {"message": False, "occurrence": True, "solution": True, "chat": True}),
        (371, {"message": True, "occurrence": True, "solution": False, "chat": True}),
        (316, {"message": True, "occurrence": True, "solution": True, "chat": False}),
    ],
)
async def test_parameters_decide_what_is_shown(
    portal: Portal, parameter: int, expected: dict[str, bool]
) -> None:
    await portal.history.tell(
        recorded(visible_to_requester=True, solution_html="<p>Assim</p>"), messaged(), chatted()
    )
    await portal.history.tell(world.parameter(parameter, "N"))
    entries = await portal.entries("ana", MINE + "/history")
    chat = await portal.get("ana", MINE + "/chat")
    assert {
        "message": any(entry["kind"] == "message" for entry in entries),
        "occurrence": any(entry["kind"] == "occurrence" for entry in entries),
        "solution": any("solution_html" in entry for entry in entries),
        "chat": chat.status_code == 200,
    } == expected
    if not expected["chat"]:
        assert (chat.status_code, chat.json()["type"].rpartition("/")[2]) == (409, "chat-disabled")


async def test_the_role_of_requesters_can_read_nothing_internal(portal: Portal) -> None:
    connection = await asyncpg.connect(portal.settings.requester_database_url.get_secret_value())
    try:
        for table in ("history.ticket_entries", "history.occurrences", "history.tickets", "history.views",
                      "history.email_outcomes", "history.time_totals", "history.shown_entries",
                      "history_1.requester_entries", "history_1.ticket_entries", "reference.people",
                      "reference.groups", "portal.sessions"):  # fmt: skip
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch(f"SELECT * FROM {table}")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("DELETE FROM history.requester_entries")
    finally:
        await connection.close()


async def test_a_request_history_comes_in_pages(portal: Portal) -> None:
    await portal.history.tell(*(messaged() for _ in range(120)))
    versions: list[object] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await portal.get("ana", f"{MINE}/history" + (f"?cursor={cursor}" if cursor else ""))).json()
        versions += [entry["version"] for entry in page["items"]]
        cursor = page["next_cursor"]
    assert versions == list(range(120, 0, -1))
    await portal.history.tell(*(world.ticket(f"t{number:03}") for number in range(60)))
    first = (await portal.get("ana", "/my/requests")).json()
    second = (await portal.get("ana", f"/my/requests?cursor={first['next_cursor']}")).json()
    ids = [request["ticket_id"] for request in first["items"] + second["items"]]
    assert len(ids) == len(set(ids)) == 63
