"""The desk and its tickets: who sees which, and how."""

from tests.integration.portal_query.conftest import Portal
from tests.support import world
from tests.support.events import EventStream
from tests.support.projection import chatted, messaged, recorded, retracted


def _code(problem: dict[str, object]) -> str:
    return str(problem["type"]).rpartition("/")[2]


async def test_the_desk_lists_the_tickets_of_ones_groups_last_activity_first(portal: Portal) -> None:
    await portal.history.tell(recorded("1002"))
    tickets = await portal.entries("carlos", "/tickets")
    assert [ticket["ticket_id"] for ticket in tickets] == ["1002", "1004", "1003", "1001"]


async def test_a_ticket_says_what_the_desk_needs(portal: Portal) -> None:
    mistake = recorded(time_spent_minutes=500)
    await portal.history.tell(recorded(), mistake, retracted(mistake), chatted(author_id="ana"))
    ticket = (await portal.get("carlos", "/tickets/1001")).json()
    assert ticket.pop("last_activity_at").startswith("2026-11-02T")
    assert ticket == {
        "ticket_id": "1001",
        "title": "VPN não conecta",
        "status": "in-progress",
        "requester": {"id": "ana", "name": "Ana"},
        "group": {"id": "redes", "name": "Redes"},
        "responsible": {"id": "carlos", "name": "Carlos"},
        "opened_at": "2026-11-02T09:30:00Z",
        "time_spent_minutes": 15,
        "last_version": 4,
        "unread": 1,
    }


async def test_a_ticket_without_responsible_does_not_mention_one(portal: Portal) -> None:
    await portal.history.tell(world.ticket("1001", responsible_id=None))
    assert "responsible" not in (await portal.get("carlos", "/tickets/1001")).json()


async def test_unread_is_chat_of_the_requesters_and_each_reads_it_for_themselves(portal: Portal) -> None:
    async def unread(person: str) -> int:
        tickets = await portal.entries(person, "/tickets")
        number: int = next(each["unread"] for each in tickets if each["ticket_id"] == "1001")
        return number

    async def read(person: str, up_to: int) -> int:
        bearer = portal.issuer.bearer(person)
        path = "/api/portal/tickets/1001/chat/read"
        return (await portal.http.post(path, json={"up_to_version": up_to}, headers=bearer)).status_code

    first, answer, second = chatted(author_id="ana"), chatted(), chatted(author_id="ana")
    await portal.history.tell(first, answer, second, messaged(author_id="ana"), recorded())
    assert [await unread("carlos"), await unread("edu")] == [1, 1], "what nobody has answered"
    assert await read("carlos", 3) == 204
    assert [await unread("carlos"), await unread("edu")] == [0, 1]
    await portal.history.tell(chatted(author_id="ana"), recorded())
    assert await read("carlos", 1) == 204
    assert [await unread("carlos"), await unread("edu")] == [1, 2], "nothing becomes unread again"
    assert await read("carlos", 2**31 - 1) == 204
    await portal.history.tell(chatted(author_id="ana"))
    assert await unread("carlos") == 1, "nobody has read what was not there"
    assert await read("ana", 3) == 404


async def test_a_row_that_leaves_the_list_is_told_also_when_it_stands_far_down(portal: Portal) -> None:
    await portal.history.tell(*(world.ticket(f"2{number:03}") for number in range(60)))
    stream = await EventStream.open(
        portal.http,
        "/desk/stream?status=in-progress&since=2100-01-01T00:00:00Z",
        portal.issuer.bearer("carlos"),
    )
    await portal.history.tell(*(world.ticket(f"2{number:03}", status="closed") for number in (0, 59)))
    gone: set[str] = set()
    while len(gone) < 2:
        gone |= set((await stream.next("gone")).data)
    assert gone == {"2000", "2059"}
    await stream.close()


async def test_members_of_a_group_with_a_permission_see_its_tickets(portal: Portal) -> None:
    assert (await portal.get("edu", "/tickets/1001")).status_code == 200
    assert len(await portal.entries("edu", "/tickets")) == 4


async def test_a_ticket_is_not_found_by_requesters_others_and_by_role_alone(portal: Portal) -> None:
    for person, role in (("ana", "requester"), ("olga", "operator"), ("davi", "administrator")):
        for path in ("", "/history", "/chat", "/notifications", "/stream"):
            for ticket_id in ("1001", "unknown"):
                answer = await portal.http.get(
                    f"/api/portal/tickets/{ticket_id}{path}", headers=portal.issuer.bearer(person, role)
                )
                assert (answer.status_code, _code(answer.json())) == (404, "ticket-not-found")


async def test_who_is_in_no_group_that_executes_is_not_permitted_at_the_desk(portal: Portal) -> None:
    answer = await portal.get("ana", "/tickets")
    assert (answer.status_code, _code(answer.json())) == (403, "not-permitted")
    assert await portal.entries("olga", "/tickets") == [], "her group has no tickets, but might"


async def test_a_person_who_left_sees_nothing(portal: Portal) -> None:
    await portal.history.tell(world.person("carlos", active=False))
    assert (await portal.get("carlos", "/tickets/1001")).status_code == 404


async def test_a_ticket_that_was_removed_is_not_found(portal: Portal) -> None:
    await portal.history.remove_ticket("1001")
    assert (await portal.get("carlos", "/tickets/1001")).status_code == 404
    assert (await portal.get("ana", "/my/requests/1001")).status_code == 404


SEARCHES: dict[str, set[str]] = {
    "q=nao conecta": {"1001", "1003", "1004"},
    "q=IMPRESSORA": {"1002"},
    "q=1002": {"1002"},
    "q=bia": {"1002"},
    "q=cabo": {"1003"},
    "q=%25": set(),
    "q=": {"1001", "1002", "1003", "1004"},
    "status=closed": {"1003"},
    "status=closed&status=suspended": {"1003", "1004"},
    "group=redes": {"1001", "1002", "1003", "1004"},
    "group=fora": set(),
    "assignee=carlos": {"1001", "1003", "1004"},
    "assignee=carlos&status=closed&q=vpn": {"1003"},
}


async def test_the_desk_can_be_searched_and_filtered(portal: Portal) -> None:
    other = world.ticket("1002", requester_id="bia", title="Impressora", responsible_id=None)
    await portal.history.tell(other, recorded("1003"))
    for query, expected in SEARCHES.items():
        found = await portal.entries("carlos", f"/tickets?{query}")
        assert {ticket["ticket_id"] for ticket in found} == expected, query


async def test_the_desk_is_searched_in_all_that_was_written_and_is_shown(portal: Portal) -> None:
    gone = recorded("1003", description_text="Fusível queimado", description_html="<p>Fusível queimado</p>")
    await portal.history.tell(
        recorded("1001", solution_html="<p>Placa <strong>nova</strong></p>"),
        messaged("1002"),
        messaged("1002", "ana"),
        gone,
        retracted(gone, reason="Era outro prédio"),
        chatted("1004", text="Bateria inchada"),
    )

    async def found(search: str) -> set[str]:
        return {ticket["ticket_id"] for ticket in await portal.entries("carlos", f"/tickets?q={search}")}

    expected = {"placa nova": "1001", "REINICIE": "1002", "outro predio": "1003", "inchada": "1004"}
    for search, ticket_id in expected.items():
        assert await found(search) == {ticket_id}, search
    for search in ("fusivel", "strong", "occurrence"):
        assert await found(search) == set(), search
    await portal.history.tell(world.parameter(298, "N"), world.parameter(316, "N"))
    assert [await found(search) for search in expected] == [set(), {"1002"}, set(), set()]


async def test_the_desk_comes_in_pages_without_gap_or_repetition(portal: Portal) -> None:
    await portal.history.tell(*(world.ticket(f"t{number:03}") for number in range(120)))
    seen: list[object] = []
    cursor, pages = "", 0
    while pages == 0 or cursor:
        page = (await portal.get("carlos", f"/tickets?cursor={cursor}" if cursor else "/tickets")).json()
        seen += [ticket["ticket_id"] for ticket in page["items"]]
        cursor, pages = page["next_cursor"], pages + 1
    assert pages == 3
    assert len(seen) == len(set(seen)) == 124
    assert seen[:120] == [f"t{number:03}" for number in reversed(range(120))]


async def test_what_cannot_be_asked_for_is_invalid(portal: Portal) -> None:
    for query in ("status=lost", "q=%00", "group=a b", "cursor=x", "q=" + "x" * 201):
        answer = await portal.get("carlos", f"/tickets?{query}")
        assert (answer.status_code, _code(answer.json())) == (422, "invalid"), query
    for query in ("kind=view", "as_of=yesterday", "as_of=2026-11-02T10:00:00", "min_version=-1"):
        answer = await portal.get("carlos", f"/tickets/1001/history?{query}")
        assert (answer.status_code, _code(answer.json())) == (422, "invalid"), query


async def test_a_cursor_counts_for_its_own_list_and_unchanged_only(portal: Portal) -> None:
    await portal.history.tell(*(world.ticket(f"t{number:03}") for number in range(60)))
    cursor = (await portal.get("carlos", "/tickets")).json()["next_cursor"]
    assert (await portal.get("carlos", f"/tickets?cursor={cursor}")).status_code == 200
    assert (await portal.get("carlos", f"/tickets/1001/history?cursor={cursor}")).status_code == 422
    for at in (0, len(cursor) // 2, len(cursor) - 2):
        changed = cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :]
        assert (await portal.get("carlos", f"/tickets?cursor={changed}")).status_code == 422


async def test_without_a_token_there_is_no_answer(portal: Portal) -> None:
    for path in ("/tickets", "/tickets/1001/stream", "/my/requests"):
        answer = await portal.http.get(f"/api/portal{path}")
        assert (answer.status_code, _code(answer.json())) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_the_api_is_documented(portal: Portal) -> None:
    document = (await portal.http.get("/api/portal/openapi.json")).json()
    history = document["paths"]["/api/portal/tickets/{ticket_id}/history"]["get"]
    schema = history["responses"]["200"]["content"]["application/json"]["schema"]
    page = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    assert set(page["properties"]) == {"items", "next_cursor"}
    assert {path for path in document["paths"] if not path.startswith("/api/operate/")} == {
        f"/api/portal{path}"
        for path in (
            "/tickets", "/tickets/{ticket_id}", "/tickets/{ticket_id}/history", "/tickets/{ticket_id}/chat",
            "/tickets/{ticket_id}/chat/read",
            "/tickets/{ticket_id}/notifications", "/tickets/{ticket_id}/stream",
            "/tickets/{ticket_id}/presence", "/my/requests", "/my/requests/{ticket_id}",
            "/my/requests/{ticket_id}/history", "/my/requests/{ticket_id}/chat",
            "/my/requests/{ticket_id}/stream", "/my/requests/{ticket_id}/presence",
            "/admin/parameters", "/admin/parameters/{number}",
            *(
                f"/admin/{kind}{one}"
                for kind in ("email-templates", "categories", "origins", "groups", "people", "tickets")
                for one in ("", "/{entity_id}")
            ),
        )
    }  # fmt: skip
