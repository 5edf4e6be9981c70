"""What administrators read of how Relato is set up, and that nobody else does."""

from typing import Any

import asyncpg
import pytest
from relato_contracts import itsm

from tests.integration.portal_query.conftest import Portal
from tests.support import world
from tests.support.databases import with_role

KINDS = ("parameters", "email-templates", "categories", "origins", "groups", "people", "tickets")
IDS = {"parameters": "298", "email-templates": "t-251", "categories": "cat-rede", "origins": "org-telefone",
       "groups": "redes", "people": "ana", "tickets": "1001"}  # fmt: skip


async def one(portal: Portal, path: str) -> dict[str, Any]:
    """What there has to be."""
    answer = await portal.administered(path)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def items(portal: Portal, path: str) -> list[dict[str, Any]]:
    """The whole list, page by page."""
    found, cursor = [], ""
    while True:
        page = await one(portal, path + cursor)
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        cursor = f"{'&' if '?' in path else '?'}cursor={page['next_cursor']}"


async def test_only_administrators_see_how_relato_is_set_up(
    portal: Portal, subtests: pytest.Subtests
) -> None:
    for kind in KINDS:
        with subtests.test(kind=kind):
            await _only_administrators_see(portal, kind)


async def _only_administrators_see(portal: Portal, kind: str) -> None:
    for path in (f"/admin/{kind}", f"/admin/{kind}/{IDS[kind]}", f"/admin/{kind}/999"):
        assert (await portal.http.get(f"/api/portal{path}")).status_code == 401
        for person, roles in (("carlos", ()), ("ana", ()), ("olga", ("operator",))):
            bearer = portal.issuer.bearer(person, *roles)
            answer = await portal.http.get(f"/api/portal{path}", headers=bearer)
            assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (403, "not-permitted")
    assert (await portal.administered(f"/{kind}")).status_code == 200
    assert (await portal.administered(f"/{kind}/{IDS[kind]}")).status_code == 200
    assert (await portal.administered(f"/{kind}/9999")).status_code == 404


async def test_the_role_that_reads_for_requesters_cannot_read_any_of_it(portal: Portal) -> None:
    requester = await asyncpg.connect(with_role(portal.history.url, "portal_requester"))
    try:
        for table in ("email_templates", "tickets", "parameters", "people", "groups"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await requester.fetch(f"SELECT FROM reference.{table}")
    finally:
        await requester.close()


async def test_all_parameters_are_there_with_meaning_value_and_who_changed_them(portal: Portal) -> None:
    await portal.history.tell(world.parameter(298, "N"), actor="davi")
    await portal.history.tell(world.parameter(9_000, "x"))
    found = {each["number"]: each for each in await items(portal, "/parameters")}
    assert list(found) == [10, 251, 252, 253, 262, 263, 297, 298, 299, 316, 371, 447, 9_000]
    assert all(each["name"] and each["meaning"] for number, each in found.items() if number != 9_000)
    assert (found[298]["value"], found[298]["control"]) == ("N", "switch")
    assert found[298]["changed_by"] == {"id": "davi", "name": "Davi"}
    assert found[298]["changed_at"]
    assert found[262] == {
        "number": 262, "value": None, "control": "category", "changed_by": None, "changed_at": None,
        "name": found[262]["name"], "meaning": found[262]["meaning"], "refers_to": None,
    }  # fmt: skip
    assert (found[9_000]["control"], "meaning" in found[9_000]) == ("other", False)
    assert (await portal.administered("/parameters/9001")).status_code == 404
    assert await one(portal, "/parameters/298") == found[298]


async def test_what_a_parameter_names_is_told_when_it_can_be_used(portal: Portal) -> None:
    assert (await one(portal, "/parameters/251"))["refers_to"] == {"id": "t-251", "name": "t-251"}
    await portal.history.tell(
        world.parameter(251, "t-999"),
        world.parameter(262, "cat-antiga"),
        world.parameter(263, "org-telefone"),
    )
    assert (await one(portal, "/parameters/251"))["refers_to"] is None
    assert (await one(portal, "/parameters/262"))["refers_to"] is None, "no longer active"
    assert (await one(portal, "/parameters/263"))["refers_to"] == {"id": "org-telefone", "name": "Telefone"}


async def test_a_template_has_its_variants_where_it_stands_alone(portal: Portal) -> None:
    listed = await items(portal, "/email-templates")
    assert [(each["template_id"], each["languages"]) for each in listed] == [
        ("t-251", ["pt-BR"]), ("t-253", ["pt-BR"]), ("t-447", ["pt-BR"]),
    ]  # fmt: skip
    assert "variants" not in listed[0]
    [variant] = (await one(portal, "/email-templates/t-251"))["variants"]
    assert variant == world.template("t-251").variants[0].model_dump()


async def test_a_group_has_its_members_and_permissions_by_name(portal: Portal) -> None:
    await portal.history.tell(
        world.group("campo", member_ids=("edu", "quem"),
                    permissions=(itsm.GroupPermission(group_id="redes", may=("comment",)),)), actor="davi"
    )  # fmt: skip
    found = await one(portal, "/groups/campo")
    assert found["members"] == [{"id": "edu", "name": "Edu"}, {"id": "quem", "name": "quem"}]
    assert found["permissions"] == [{"group": {"id": "redes", "name": "Redes"}, "may": ["comment"]}]
    assert (found["member_count"], found["emails"]) == (2, ["campo@empresa.example"])
    assert found["changed_by"] == {"id": "davi", "name": "Davi"}
    assert (await one(portal, "/people/edu"))["groups"] == [{"id": "campo", "name": "Campo"}]


async def test_a_ticket_is_as_the_itsm_last_said(portal: Portal) -> None:
    await portal.history.tell(world.ticket("1001", status="suspended", responsible_id=None), actor="davi")
    found = await one(portal, "/tickets/1001")
    assert (found["status"], found["requester"], found["group"]) == (
        "suspended", {"id": "ana", "name": "Ana"}, {"id": "redes", "name": "Redes"},
    )  # fmt: skip
    assert "responsible" not in found
    assert found["changed_by"] == {"id": "davi", "name": "Davi"}
    await portal.history.remove_ticket("1001")
    assert (await portal.administered("/tickets/1001")).status_code == 404


async def test_categories_and_origins_are_there_also_when_they_are_retired(portal: Portal) -> None:
    assert [(each["category_id"], each["active"]) for each in await items(portal, "/categories")] == [
        ("cat-antiga", False), ("cat-rede", True),
    ]  # fmt: skip
    assert [each["origin_id"] for each in await items(portal, "/origins")] == ["org-telefone"]


async def test_long_lists_come_in_pages_without_holes_or_repetition(portal: Portal) -> None:
    same = [world.person(f"z{number}", name="Zé " * 150 + "\U0001f600" * 40) for number in range(70)]
    await portal.history.tell(*same, *(world.ticket(f"T-{number}") for number in range(120)))
    people = [each["person_id"] for each in await items(portal, "/people")]
    assert len(people) == len(set(people)) == 76
    assert people[:6] == ["ana", "bia", "carlos", "davi", "edu", "olga"]
    tickets = [each["ticket_id"] for each in await items(portal, "/tickets")]
    assert len(tickets) == len(set(tickets)) == 124


async def test_people_and_tickets_are_found_by_what_they_are_called(portal: Portal) -> None:
    await portal.history.tell(
        world.person("p-77", name="Antônia Müller"), world.ticket("T-9", title="Órfã 100%")
    )
    for asked, found in (("antonia", ["p-77"]), ("MÜLL", ["p-77"]), ("p-77", ["p-77"]), ("%", []),
                         ("bia@empresa", ["bia"]), ("' OR 1=1 --", [])):  # fmt: skip
        answer = await portal.http.get(
            "/api/portal/admin/people",
            params={"q": asked},
            headers=portal.issuer.bearer("davi", "administrator"),
        )
        assert [each["person_id"] for each in answer.json()["items"]] == found, asked
    assert [each["ticket_id"] for each in await items(portal, "/tickets?q=orfa+100%25")] == ["T-9"]
    assert [each["ticket_id"] for each in await items(portal, "/tickets?q=bia")] == ["1002"]


async def test_a_cursor_of_one_list_is_none_of_another(portal: Portal) -> None:
    await portal.history.tell(*(world.person(f"z{number}") for number in range(60)))
    cursor = (await one(portal, "/people"))["next_cursor"]
    for path in (f"/groups?cursor={cursor}", f"/tickets?cursor={cursor}", "/people?cursor=x"):
        assert (await portal.administered(path)).status_code == 422
