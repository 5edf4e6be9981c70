"""Bodies that are no text, or odd ones: refused or kept as they are, and the service goes on."""

import asyncio
import json
from datetime import UTC, datetime

from tests.integration.notes.conftest import Service, occurrence


async def alive(service: Service) -> None:
    """Others are served as before."""
    answer = await service.post("carlos", "/tickets/1001/chat", {"text": "ainda aqui"})
    assert answer.status_code == 201


def head(service: Service) -> dict[str, str]:
    return service.issuer.bearer("carlos") | {"Content-Type": "application/json"}


_NO_SUCH_TEXT = [
    b'{"text": "\xff\xfe"}',
    b'{"text": "\xc0\xaf"}',
    b'{"text": "\xed\xa0\x80"}',
    b'{"text": "\\ud800"}',
    b'{"text": "\\udc00\\ud800"}',
    b'{"text": "a\\u0000b"}',
    b'{"text": "a\x00b"}',
    b'\xff\xfe{\x00"\x00',
    b'\xef\xbb\xbf{"text": "x"}',
    b'{"text": NaN}',
    b'{"text": 1e999999}',
    b'{"text": ' + b"9" * 10_000 + b"}",
    b'{"text": "x", "text": ["y"]}',
    b'{"text": true}',
    b'{"text": {"$ne": null}}',
    b'{"__proto__": {"a": 1}, "text": "x"}',
    b"",
    b"null",
    b"[]",
    b"{}",
]


async def test_what_is_no_such_text_is_invalid(service: Service) -> None:
    for content in _NO_SUCH_TEXT:
        answer = await service.http.post(
            "/api/notes/tickets/1001/chat", content=content, headers=head(service)
        )
        assert answer.status_code == 422, (content, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    await alive(service)


async def test_drafts_hold_any_json_or_say_that_they_do_not(service: Service) -> None:
    path = "/api/notes/tickets/1001/drafts/chat"
    for key in (b'"\\ud800"', b'"a\\u0000"', b'"\\\\u0000"', b'"' + b"k" * 200_000 + b'"'):
        for content in (b"{" + key + b": 1}", b'{"a": [' + key + b"]}"):
            answer = await service.http.put(path, content=content, headers=head(service))
            assert answer.status_code in {200, 413, 422}, (content[:50], answer.text[:300])
            if answer.status_code == 200:
                kept = await service.http.get(path, headers=head(service))
                assert kept.json() == json.loads(content)


_ODD = [
    "e" + "\u0301" * 3_999,
    "\u202egnp.exe\u202c",
    "\u2066a\u2069\u200f",
    "😀" * 2_000,
    "'; DROP TABLE events; --",
    "\u200b\u200cx\u200d",
    "Z̸̢͘a͜l͞g͝o",
    "\U000e0041x",
    "\ufffe\uffffx",
    "ﷺ" * 1_000,
]


async def test_odd_text_is_kept_as_it_is(service: Service) -> None:
    for text in _ODD:
        answer = await service.post("carlos", "/tickets/1001/chat", {"text": text})
        assert answer.status_code == 201, answer.text
        kept = await service.database.fetchval(
            "SELECT data ->> 'text' FROM events WHERE subject_id = $1::uuid", answer.json()["message_id"]
        )
        assert kept == text


async def test_ten_thousand_combining_marks_in_a_note_and_a_reason_are_no_trouble(service: Service) -> None:
    html = "<p>e" + "\u0301" * 10_000 + "</p>"
    answer = await service.post("carlos", "/tickets/1001/occurrences", occurrence(description_html=html))
    assert answer.status_code == 201, answer.text
    address = f"/tickets/1001/occurrences/{answer.json()['occurrence_id']}/retraction"
    refused = await service.post("carlos", address, {"reason": "e" + "\u0301" * 10_000})
    assert refused.status_code == 422
    taken = await service.post("carlos", address, {"reason": "e" + "\u0301" * 1_999})
    assert taken.status_code == 201


async def test_ids_that_are_none_are_invalid_or_unknown(service: Service) -> None:
    for ticket_id in (
        "1' OR '1'='1",
        "1001;DROP TABLE events",
        "..%2f1001",
        "%00",
        "1001%0a",
        "1" * 65,
        "１００１",
    ):
        for person in ("carlos", "ana", "olga"):
            answer = await service.post(person, f"/tickets/{ticket_id}/chat", {"text": "x"})
            assert answer.status_code in {404, 405, 422}, (ticket_id, answer.text)


async def test_the_same_key_at_the_same_time_on_two_tickets_is_answered(service: Service) -> None:
    async def say(number: int, ticket_id: str) -> int:
        answer = await service.post(
            "carlos", f"/tickets/{ticket_id}/chat", {"text": "x"}, **{"Idempotency-Key": f"k-{number}"}
        )
        return answer.status_code

    for number in range(30):
        codes = await asyncio.gather(*(say(number, each) for each in ("1001", "1002", "1001", "1002")))
        assert set(codes) <= {201, 409, 422}, codes
    recorded = await service.database.fetchval("SELECT count(*) FROM events")
    assert recorded == 30


async def test_a_key_replayed_by_somebody_else_is_theirs_alone(service: Service) -> None:
    key = {"Idempotency-Key": "the-same"}
    first = await service.post("carlos", "/tickets/1001/chat", {"text": "de carlos"}, **key)
    other = await service.post("ana", "/tickets/1001/chat", {"text": "de ana"}, **key)
    again = await service.post("carlos", "/tickets/1001/chat", {"text": "de carlos"}, **key)
    assert (first.status_code, other.status_code, again.json()) == (201, 201, first.json())
    assert other.json()["message_id"] != first.json()["message_id"]


async def test_times_from_elsewhere_are_invalid(service: Service) -> None:
    for moment in ("9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2026-02-30T00:00:00Z", "now",
                   "2026-11-24T12:00:00", 0, -1, 1e308, datetime.now(UTC).timestamp()):  # fmt: skip
        answer = await service.post("carlos", "/tickets/1001/occurrences", occurrence(occurred_at=moment))
        assert answer.status_code == 422, (moment, answer.text)
