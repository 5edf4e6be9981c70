"""What stood on a ticket at a moment, and what its requester could see then."""

from datetime import UTC, datetime
from typing import Any

from tests.support.journey import Ticket


async def seen(ticket: Ticket, *options: str) -> list[Any]:
    """Texts of notes and lines, newest first, as the command tells operators."""
    entries = await ticket.stack.json("history", ticket.id, *options)
    return [each["description_html"] for each in entries if "description_html" in each]


async def test_operators_see_what_a_requester_could_see_at_a_moment(ticket: Ticket) -> None:
    shown = await ticket.record(description_html="<p>Rede no ar.</p>", visible_to_requester=True)
    await ticket.record(description_html="<p>Senha trocada.</p>")
    stack, occurrences = ticket.stack, f"/tickets/{ticket.id}/occurrences"
    before = await _projected(ticket)
    path = f"{occurrences}/{shown['occurrence_id']}"
    answer = await stack.post(
        "carlos", f"{path}/visibility", {"visible_to_requester": False, "reason": "engano"}
    )
    assert answer.status_code == 201, answer.text
    await _projected(ticket, answer.json()["version"])

    then = ("--as-of", before.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f"))
    assert await seen(ticket, *then) == ["<p>Senha trocada.</p>", "<p>Rede no ar.</p>"]
    assert await seen(ticket, "--requester", *then) == ["<p>Rede no ar.</p>"]
    told = await stack.json("history", ticket.id, "--requester", *then)
    assert [each.keys() & {"earlier", "emails", "time_spent_minutes", "channel"} for each in told] == [set()]
    offset = before.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert await seen(ticket, "--requester", "--as-of", offset) == ["<p>Rede no ar.</p>"]
    assert await seen(ticket, "--requester") == []
    own = await stack.get("ana", f"/my/requests/{ticket.id}/history")
    assert own.json()["items"] == []
    code, _, errors = await stack.relato("history", "no-such-ticket")
    assert (code, "Traceback" in errors) == (1, False)
    address = f"/api/operate/histories/{ticket.id}"
    assert (await stack.http.get(address, headers=await stack.bearer("carlos"))).status_code == 403


async def _projected(ticket: Ticket, version: int = 2) -> datetime:
    """A moment at which everybody can read up to a version; events are not recorded later than that."""
    answer = await ticket.stack.get("carlos", f"/tickets/{ticket.id}/history", min_version=version)
    assert answer.status_code == 200, answer.text
    return datetime.now(UTC)
