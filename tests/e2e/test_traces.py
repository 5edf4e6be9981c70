"""One trace from somebody's POST to the rows and the mail that follow from it, across Kafka."""

import json
import secrets

from relato.records import read
from relato_contracts.topics import NOTES
from relato_runtime.settings import KafkaSettings

from tests.support.collector import Collector, Span
from tests.support.journey import Ticket
from tests.support.waiting import until

SAID = "Alho-poró azul"
WANTED = {
    ("relato-notes", "commit RecordOccurrence"),
    ("relato-notes", "publish relato.notes"),
    ("relato-history-projector", "process relato.notes"),
    ("relato-notifier", "process relato.notes"),
    ("relato-notifier", "send mail"),
    ("relato-notifier", "publish relato.notifications"),
    ("relato-history-projector", "process relato.notifications"),
}


async def test_a_post_is_followed_to_its_mail_and_its_history(
    ticket: Ticket, collector: Collector, ana_address: str
) -> None:
    trace_id, caller = secrets.token_hex(16), secrets.token_hex(8)
    unwatched = secrets.token_hex(16)
    body = {
        "description_html": f"<p>{SAID}</p>",
        "occurred_at": "2026-11-20T09:00:00-03:00",
        "visible_to_requester": True,
        "notify_by_email": True,
    }
    path = f"/tickets/{ticket.id}/occurrences"
    # Of a trace that its caller does not have collected, nothing is said, and its id goes with the record.
    for parent in (f"00-{unwatched}-{caller}-00", f"00-{trace_id}-{caller}-01"):
        answer = await ticket.stack.post("carlos", path, body, traceparent=parent)
        assert answer.status_code == 201, answer.text
    await ticket.mail(ana_address, 2)

    async def followed() -> list[Span]:
        spans = collector.of(trace_id)
        return spans if {(span.service, span.name) for span in spans} >= WANTED else []

    spans = await until(followed, within=40, what="the whole trace")
    requests = [span for span in spans if span.parent_id == caller]
    assert [span.service for span in requests] == ["relato-notes"]
    assert "occurrences" in requests[0].attributes["http.route"]
    # Each follows from the request, however many queues lie between.
    assert {span.parent_id for span in spans if span is not requests[0]} == {requests[0].span_id}
    assert all(0 <= span.milliseconds < 60_000 for span in spans)
    assert all(SAID not in str(span) and ana_address not in str(span) for span in spans)
    assert next(span for span in spans if span.name == "send mail").attributes["relato.state"] == "accepted"

    assert collector.of(unwatched) == []
    assert await _on_the_record(ticket, unwatched, "-00")
    assert await _on_the_record(ticket, trace_id, "-01")

    log = (ticket.stack.home / "logs" / "notifier.log").read_text().splitlines()
    lines = [json.loads(line) for line in log if trace_id in line]
    assert [line["state"] for line in lines if line["event"] == "mail"] == ["accepted"]


async def _on_the_record(ticket: Ticket, trace_id: str, flags: str) -> bool:
    """Whether a record of the ticket goes on with that trace."""
    bootstrap = (await ticket.stack.places())["kafka"]["bootstrap"]
    async for records in read(KafkaSettings(kafka_bootstrap=bootstrap), [NOTES]):
        for record in records:
            found = (dict(record.headers).get("traceparent") or b"").decode()
            if trace_id in found:
                return found.endswith(flags)
    return False
