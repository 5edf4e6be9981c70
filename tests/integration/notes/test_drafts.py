"""Drafts: what somebody began to write is there when they come back, and for nobody else."""

from tests.integration.notes.conftest import Service

ADDRESS = "/api/notes/tickets/1001/drafts/occurrence"


async def test_a_draft_is_there_until_it_is_deleted(service: Service) -> None:
    carlos = service.issuer.bearer("carlos")
    draft = {"description_html": "<p>Comecei</p>", "time_spent_minutes": "1h"}
    assert (await service.http.get(ADDRESS, headers=carlos)).status_code == 404
    assert (await service.http.put(ADDRESS, json={"old": 1}, headers=carlos)).status_code == 200
    assert (await service.http.put(ADDRESS, json=draft, headers=carlos)).status_code == 200
    answer = await service.http.get(ADDRESS, headers=carlos)
    assert answer.json() == draft
    assert answer.headers["last-modified"]
    listed = await service.http.get(ADDRESS.rpartition("/")[0], headers=carlos)
    assert [(each["kind"], each["draft"]) for each in listed.json()["items"]] == [("occurrence", draft)]
    assert listed.json()["items"][0]["saved_at"].endswith("Z")
    for _ in range(2):
        assert (await service.http.delete(ADDRESS, headers=carlos)).status_code == 204
    assert (await service.http.get(ADDRESS, headers=carlos)).status_code == 404


async def test_who_knows_another_draft_neither_replaces_nor_removes_it(service: Service) -> None:
    carlos = service.issuer.bearer("carlos")

    async def put(text: str, **known: str) -> tuple[int, str]:
        headers = carlos | {name.replace("_", "-"): value for name, value in known.items()}
        answer = await service.http.put(ADDRESS, json={"text": text}, headers=headers)
        return answer.status_code, answer.headers.get("etag", "")

    status, first = await put("a", if_none_match="*")
    assert status == 200
    assert (await put("b", if_none_match="*"))[0] == 412
    status, second = await put("b", if_match=first)
    assert status == 200
    assert (await put("c", if_match=first))[0] == 412
    assert (await put("c", if_match="first"))[0] == 422
    listed = (await service.http.get(ADDRESS.rpartition("/")[0], headers=carlos)).json()["items"]
    assert [(each["draft"], each["etag"]) for each in listed] == [({"text": "b"}, second)]
    refused = await service.http.delete(ADDRESS, headers=carlos | {"If-Match": first})
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (412, "draft-changed")
    for _ in range(2):  # the second finds none, which is what was wanted
        gone = await service.http.delete(ADDRESS, headers=carlos | {"If-Match": second})
        assert gone.status_code == 204
    assert (await put("c", if_match=second))[0] == 412
    assert (await put("c"))[0] == 200


async def test_a_draft_belongs_to_one_person_ticket_and_kind(service: Service) -> None:
    await service.http.put(ADDRESS, json={"a": 1}, headers=service.issuer.bearer("carlos"))
    edu = service.issuer.bearer("edu")
    assert (await service.http.get(ADDRESS.rpartition("/")[0], headers=edu)).json() == {"items": []}
    assert (await service.http.get(ADDRESS, headers=edu)).status_code == 404
    carlos = service.issuer.bearer("carlos")
    for other in ("/api/notes/tickets/1002/drafts/occurrence", "/api/notes/tickets/1001/drafts/message"):
        assert (await service.http.get(other, headers=carlos)).status_code == 404


async def test_a_draft_on_a_ticket_that_one_may_not_see_is_not_found(service: Service) -> None:
    answer = await service.http.put(ADDRESS, json={"a": 1}, headers=service.issuer.bearer("olga"))
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (404, "ticket-not-found")


async def test_a_draft_is_a_json_object_of_a_sensible_size(service: Service) -> None:
    carlos = service.issuer.bearer("carlos")
    assert (await service.http.put(ADDRESS, json=[1], headers=carlos)).status_code == 422
    assert (await service.http.put(ADDRESS, json={"a": "\0"}, headers=carlos)).status_code == 422
    large = {"a": "x" * 300_000}
    assert (await service.http.put(ADDRESS, json=large, headers=carlos)).status_code == 413
    unknown = "/api/notes/tickets/1001/drafts/novel"
    assert (await service.http.put(unknown, json={"a": 1}, headers=carlos)).status_code == 422
