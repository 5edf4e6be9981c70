"""Two generations are compared while both go on, and every difference that is real is named."""

from typing import Any

import pytest
from history_projector import operations, verifications
from relato_contracts.topics import NOTES

from tests.integration.history_projector.conftest import Projecting
from tests.integration.history_projector.test_rebuild import TICKET_IDS, history
from tests.support import stream as a
from tests.support.waiting import until


async def verified(projector: Projecting) -> dict[str, Any]:
    """Compare the new generation with the live one: how that ended."""
    assert await projector.done("verify") == 2
    headers = projector.issuer.bearer("olga", "operator")

    async def done() -> dict[str, Any] | None:
        answer = await projector.http.get("/api/operate/projections/history/verification", headers=headers)
        said: dict[str, Any] = answer.json()
        return said if said["state"] == "done" else None

    found = await until(done, within=60, what="an end of the verification")
    assert found is not None
    return found


async def test_what_was_corrupted_is_found_and_named_and_what_only_moves_is_not(
    projector: Projecting,
) -> None:
    await history(projector)
    headers = projector.issuer.bearer("olga", "operator")
    nothing = await projector.http.get("/api/operate/projections/history/verification", headers=headers)
    assert (nothing.status_code, nothing.json()) == (200, None)
    await projector.done("rebuild")
    await projector.level(2)
    same = await verified(projector)
    assert (same["differences"], same["findings"]) == (0, [])
    assert same["compared"] == same["total"] >= len(TICKET_IDS)

    first, second, third, fourth = TICKET_IDS[3:7]
    await projector.database.execute(
        "UPDATE history_2.requester_entries SET description_html = 'x' WHERE ticket_id = $1", first
    )
    await projector.database.execute("DELETE FROM history_1.chat_entries WHERE ticket_id = $1", second)
    await projector.database.execute(
        "DELETE FROM history_2.ticket_entries WHERE ticket_id = $1 AND version = 2", third
    )
    await projector.database.execute("UPDATE history_1.tickets SET title = 'y' WHERE ticket_id = $1", fourth)
    other = a.recorded(99, ticket_id=TICKET_IDS[7])
    found = await _while_one_is_behind(projector, a.noted(4, other))
    by_ticket = {each["ticket_id"]: each for each in found["findings"]}
    assert found["differences"] == len(by_ticket) == 4
    assert [
        (by_ticket[each]["kind"], by_ticket[each]["part"], by_ticket[each]["columns"])
        for each in (first, second, third, fourth)
    ] == [
        ("different", "requester_entries", ["description_html"]),
        ("unexpected", "chat_entries", []),
        ("missing", "ticket_entries", []),
        ("different", "tickets", ["title"]),
    ]
    assert by_ticket[second]["key"] == {"ticket_id": second, "version": 3}
    assert (by_ticket[third]["key"]["version"], found["name"]) == (2, "Olga")


async def _while_one_is_behind(projector: Projecting, given: a.Given) -> dict[str, Any]:
    """Compare while the new generation holds back a fact that the live one has, for a time."""
    headers = projector.issuer.bearer("olga", "operator")
    path = "/api/operate/projections/history/verification"
    async with projector.database.transaction():
        await projector.database.execute(
            "SELECT FROM positions WHERE consumer = 'history/2' AND topic = $1 FOR UPDATE",
            projector.settings.topic_prefix + NOTES.name,
        )
        await projector.publish(a.outgoing(projector.settings, given))
        await projector.done("verify")
        refused = await projector.operate("switch", who="otto")
        assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (409, "held")
        assert refused.json()["detail"].startswith("Olga is at it (verify")
        # It does not come to an end while one lacks what the other has.
        assert (await projector.http.get(path, headers=headers)).json()["state"] == "running"

    async def done() -> dict[str, Any] | None:
        said: dict[str, Any] = (await projector.http.get(path, headers=headers)).json()
        return said if said["state"] == "done" else None

    found = await until(done, within=60, what="an end of the verification")
    assert found is not None
    return found


async def test_a_comparison_is_cancelled_and_what_it_held_up_can_be_done(projector: Projecting) -> None:
    await history(projector)
    await projector.done("rebuild")
    await projector.level(2)
    await verified(projector)
    # As if a process worked on it.
    await projector.database.execute(
        """
        INSERT INTO verifications (generation, against, person_id, name, total, claimed_until)
        VALUES (2, 1, 'otto', 'Otto', 12, 'infinity')
        """
    )
    held = await projector.operate("pause")
    assert (held.status_code, "Otto is at it (verify" in held.json()["detail"]) == (409, True)
    path, headers = (
        "/api/operate/projections/history/verification",
        projector.issuer.bearer("olga", "operator"),
    )

    async def cancelled(**wish: object) -> Any:
        answer = await projector.http.post(f"{path}/cancel", json=wish, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()["generation"]

    assert await cancelled(dry_run=True) is None
    assert await cancelled(reason="too slow") == 2
    assert await cancelled() is None
    assert (await projector.http.get(path, headers=headers)).json()["state"] == "cancelled"
    async with projector.database.transaction():
        left = await verifications.latest(projector.database)
        assert left is not None
        assert not await verifications.step(projector.database, left, TICKET_IDS, [])  # whoever was at it
    assert await projector.done("pause") == 2


async def test_a_switch_says_whether_the_two_were_compared_and_what_that_found(
    projector: Projecting,
) -> None:
    await history(projector)
    await projector.done("rebuild")
    await projector.level(2)

    async def said(verb: str, *, dry_run: bool = False) -> tuple[bool, int | None]:
        answer = await projector.operate(verb, dry_run=dry_run)
        assert answer.status_code == 200, answer.text
        return answer.json()["compared_at"] is not None, answer.json()["differences"]

    assert await said("switch", dry_run=True) == (False, None)
    await verified(projector)
    assert await said("switch", dry_run=True) == (True, 0)
    await projector.database.execute(
        "UPDATE history_2.occurrences SET channel = 'x' WHERE ticket_id = $1", TICKET_IDS[3]
    )
    await verified(projector)
    # One that was broken off says nothing about them.
    await projector.database.execute(
        """
        INSERT INTO verifications (generation, against, person_id, name, total, finished_at, cancelled)
        VALUES (2, 1, 'otto', 'Otto', 12, now(), true)
        """
    )
    assert await said("switch") == (True, 1)
    assert await said("rollback") == (True, 1)
    assert await said("pause") == (False, None)


async def test_every_difference_is_listed_by_pages(
    projector: Projecting, monkeypatch: pytest.MonkeyPatch
) -> None:
    await history(projector)
    await projector.done("rebuild")
    await projector.level(2)
    await projector.database.execute("UPDATE history_2.occurrences SET channel = 'x'")
    monkeypatch.setattr(operations, "_FINDINGS", 5)
    whole = await verified(projector)
    assert (whole["differences"], len(whole["findings"])) == (len(TICKET_IDS), 5)
    page, headers = whole, projector.issuer.bearer("olga", "operator")
    found = [each["ticket_id"] for each in page["findings"]]
    while (after := page["next_after"]) is not None:
        answer = await projector.http.get(
            "/api/operate/projections/history/verification", params={"after": after}, headers=headers
        )
        page = answer.json()
        found += [each["ticket_id"] for each in page["findings"]]
    assert found == sorted(TICKET_IDS)
