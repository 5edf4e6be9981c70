"""Operators take events out of the log, or look at the last of them: who took any is in the audit."""

from tests.integration.notes.conftest import Service, occurrence
from tests.integration.notes.test_verify import read


async def _two_notes_and_a_message(service: Service) -> None:
    for ticket_id in ("1001", "1002"):
        answer = await service.post("carlos", f"/tickets/{ticket_id}/occurrences", occurrence())
        assert answer.status_code == 201, answer.text
    answer = await service.post("carlos", "/tickets/1001/messages", {"text_html": "<p>Bom dia.</p>"})
    assert answer.status_code == 201, answer.text


async def test_an_export_says_how_much_follows_and_who_took_it_is_written_down(service: Service) -> None:
    await _two_notes_and_a_message(service)
    for query, number in (({"ticket_id": "1001", "reason": "she asked"}, 2), ({}, 3)):
        answer = await service.http.get(
            "/api/operate/events/export", params=query, headers=service.issuer.bearer("olga", "operator")
        )
        assert (answer.headers["Relato-Events"], answer.text.count("\n")) == (str(number), number)
    audit = (await read(service, "audit/notes"))["items"]
    assert [(each["action"], each["target"], each["reason"]) for each in audit] == [
        ("export", None, ""),
        ("export", "1001", "she asked"),
    ]


async def test_who_watches_sees_the_last_events_first_of_a_ticket_or_a_type(service: Service) -> None:
    await _two_notes_and_a_message(service)
    latest = (await read(service, "events/latest"))["items"]
    assert [(each["subject"], each["streamversion"]) for each in latest] == [
        *(("1001", 2), ("1002", 1), ("1001", 1)),
    ]
    assert latest[0]["data"]["text"] == "Bom dia."
    of_one = (await read(service, "events/latest?ticket_id=1002"))["items"]
    assert [each["subject"] for each in of_one] == ["1002"]
    of_a_type = (await read(service, "events/latest?type=relato.RequesterMessaged.v1"))["items"]
    assert [each["id"] for each in of_a_type] == [latest[0]["id"]]
