"""What notes could not take in of the ITSM counts once operators have it tried again."""

import pytest
from relato_contracts.itsm import TicketSaved

from tests.integration.notes.conftest import Service, occurrence
from tests.support import world
from tests.support.letters import Letters, not_known_yet


async def test_a_ticket_that_could_not_be_taken_in_is_there_after_a_retry(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    with not_known_yet(monkeypatch, TicketSaved):
        await service.send(world.record(service.settings, world.ticket("2001")))
    letters = Letters(service.http, service.issuer, "notes")
    (letter,) = await letters.listed(consumer="notes-reference")
    assert (letter["key"], letter["reason"]) == ("2001", "unknown-version")
    refused = await service.post("carlos", "/tickets/2001/occurrences", occurrence())
    assert refused.status_code == 404
    assert await letters.done("retry", because="unknown-version") == [(letter["id"], "taken-in")]
    recorded = await service.post("carlos", "/tickets/2001/occurrences", occurrence())
    assert recorded.status_code == 201
    headers = service.issuer.bearer("olga", "operator")
    (line,) = (await service.http.get("/api/operate/audit/notes", headers=headers)).json()["items"]
    assert (line["action"], line["target"], line["person_id"]) == ("retry", letter["id"], "olga")
