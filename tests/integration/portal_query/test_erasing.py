"""Of who was erased the portal forgets within seconds that they were logged in, where, and what they read."""

from collections.abc import Mapping
from datetime import UTC, datetime

import httpx

from tests.integration.portal_query.door import AUTHORIZE, Door
from tests.support import world
from tests.support.events import EventStream
from tests.support.projection import Projection
from tests.support.waiting import until

TICKET = "/api/portal/tickets/1001"


async def test_who_is_erased_is_logged_out_and_forgotten_and_others_go_on(
    door: Door, history: Projection
) -> None:
    await history.tell(world.person("marina"), world.group(member_ids=("carlos", "marina")))
    async with door.browser() as erased, door.browser() as other:
        hers, his = await _is_there(door, erased, "marina"), await _is_there(door, other, "carlos")
        # As a version before this one kept it.
        await door.database.execute(
            """
            INSERT INTO portal.presence (ticket_id, person_id, role, name, state, until)
            SELECT '1001', person_id, 'attendant', 'Somebody', 'viewing', now() + interval '1 hour'
            FROM unnest('{marina,carlos}'::text[]) AS person_id
            """
        )
        tables = ("chat_read", "open_pages", "presence", "sessions")
        once = {f"portal.{name}": 1 for name in tables}
        assert [await _held(door, each) for each in ("marina", "carlos")] == [once, once]

        await door.database.execute(
            "INSERT INTO erased_people (person_id, erased_at) VALUES ('marina', $1)", datetime.now(UTC)
        )

        async def forgotten() -> bool:
            return not any((await _held(door, "marina")).values())

        await until(forgotten, what="the portal to forget Marina")
        assert (await erased.get(AUTHORIZE)).status_code == 401
        assert await hers.ended()
        for name in tables:
            rows = await door.database.fetch(f"SELECT t::text AS row, person_id FROM portal.{name} AS t")
            assert [row["person_id"] for row in rows] == ["carlos"], name
            assert "marina" not in str(rows).lower()
        assert (await other.get(AUTHORIZE)).status_code == 204
        assert await _held(door, "carlos") == once
        await his.close()


async def _is_there(door: Door, browser: httpx.AsyncClient, person: str) -> EventStream:
    """Somebody logs in, follows a ticket, has its page open and has read its chat."""
    await door.login(browser, person)
    bearer = {"Authorization": (await browser.get(AUTHORIZE)).headers["authorization"]}
    stream = await EventStream.open(browser, f"{TICKET}/stream", bearer)
    await stream.next("presence")
    for path, body in (("presence", {"state": "viewing"}), ("chat/read", {"up_to_version": 1})):
        answer = await browser.post(f"{TICKET}/{path}", json=body, headers=bearer)
        assert answer.status_code == 204, answer.text
    # Somebody goes on reading for longer than this test may take on a busy machine.
    await door.database.execute("UPDATE portal.open_pages SET until = now() + interval '1 hour'")
    return stream


async def _held(door: Door, person: str) -> Mapping[str, int]:
    """What operators are told that the portal holds, by table."""
    async with door.browser() as asking:
        answer = await asking.get(
            f"/api/operate/holdings/portal-query/{person}", headers=door.issuer.bearer("olga", "operator")
        )
    assert answer.status_code == 200, answer.text
    assert answer.json()["forgetting"] is None, "it has no job of its own"
    return {each["name"]: each["number"] for each in answer.json()["items"]}
