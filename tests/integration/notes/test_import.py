"""An export fills an empty log: the same events byte for byte, the same keys, as a replay."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import httpx
from notes.app import build
from pydantic import SecretStr
from relato_contracts.topics import NOTES, TOPICS
from relato_runtime import kafka

from tests.integration.notes.conftest import Service, occurrence
from tests.integration.notes.test_republish import headers
from tests.integration.notes.test_verify import TICKETS, history, operate, read, verified
from tests.support import world
from tests.support.reaching import reaching
from tests.support.serving import serving
from tests.support.topics import read_all
from tests.support.waiting import until

_LOG = """
    SELECT ticket_id, version, event_id, type, subject_id, actor, correlation_id, traceparent, recorded_at,
        data::text, salt, hash
    FROM events WHERE ticket_id <> $1 ORDER BY ticket_id, version
"""
_KEYS = "SELECT person_id, key, request_hash, response::text::jsonb::text FROM idempotency_keys ORDER BY 1, 2"
_STREAMS = """
    SELECT ticket_id, version, recorded_at, seen_up_to, shown_version, chained, head FROM streams
    WHERE ticket_id <> $1 AND version > 0 ORDER BY 1
"""


async def exported(service: Service, **query: str) -> list[str]:
    answer = await service.http.get(
        "/api/operate/events/export", params=query, headers=service.issuer.bearer("olga", "operator")
    )
    assert answer.status_code == 200, answer.text
    return answer.text.removesuffix("\n").split("\n")  # U+2028 ends no line of JSON


async def post(service: Service, path: str, body: dict[str, object]) -> httpx.Response:
    return await service.http.post(
        f"/api/operate/events/{path}", json=body, headers=service.issuer.bearer("olga", "operator")
    )


async def imported(service: Service) -> Any:
    begun = await operate(service, "import", reason="a move")

    async def done() -> Any:
        said = await read(service, "events/importation")
        return said if (said["id"], said["state"]) == (begun["job"], "done") else None

    return await until(done, within=60, what="an end of the import")


async def test_an_empty_installation_is_filled_from_an_export(
    service: Service, database: Callable[..., Awaitable[str]]
) -> None:
    await history(service)
    said = occurrence(
        description_html="<p>Ação “nova” \u2028 &amp; <b>línea</b></p>", visible_to_requester=True
    )
    first = await service.post("carlos", "/tickets/1001/occurrences", said, **{"Idempotency-Key": "k-1"})
    await service.post("ana", "/tickets/1001/views", {"up_to_version": 1}, **{"Idempotency-Key": "k-2"})
    await service.post("ana", "/tickets/1001/views", {"up_to_version": 1}, **{"Idempotency-Key": "k-3"})
    lines = await exported(service)
    assert len(lines) == 3 * len(TICKETS) + 2
    assert [json.loads(each)["streamversion"] for each in await exported(service, ticket_id="1001")] == [1, 2]
    full = await post(service, "import/lines", {"first": True, "lines": lines})
    assert (full.status_code, full.json()["detail"]) == (
        *(409, "The log has events already; an import fills an empty one."),
    )

    prefix = f"{service.settings.topic_prefix}other."
    settings = service.settings.model_copy(
        update={"database_url": SecretStr(await database("notes")), "topic_prefix": prefix}
    )
    await kafka.create_topics(settings, TOPICS, partitions=3)
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    try:
        async with (
            serving(build(settings)) as address,
            reaching(address) as client,
        ):
            other = Service(settings, client, connection, service.issuer)

            async def ready() -> bool:
                return (await client.get("/readyz")).status_code == 200

            await until(ready, what="readiness")
            await other.publish(*world.world())
            await _filled(other, lines)
            for query in (_LOG, _STREAMS):
                assert await connection.fetch(query, TICKETS[0]) == await service.database.fetch(
                    query, TICKETS[0]
                )
            kept = [each for each in await service.database.fetch(_KEYS) if each["key"] != "k-3"]
            assert await connection.fetch(_KEYS) == kept
            again = await other.post(
                "carlos", "/tickets/1001/occurrences", said, **{"Idempotency-Key": "k-1"}
            )
            assert (again.status_code, again.json()) == (201, first.json())
            records = await read_all(settings, NOTES, count=len(lines) - 3)
            assert len({headers(each)["ce_replayid"] for each in records}) == 1
            assert (await verified(other))["findings"] == []
            new = await other.post("carlos", "/tickets/1001/occurrences", occurrence())
            assert new.json()["version"] == 3
    finally:
        await connection.close()


async def _filled(other: Service, lines: list[str]) -> None:
    """Import all but a ticket that lacks a version; what is no export is refused at once."""
    for wrong, why in (("{}", "CloudEvent"), (lines[0].replace("/relato/notes", "/elsewhere"), "no event")):
        refused = await post(other, "import/lines", {"first": True, "lines": [wrong]})
        assert (refused.status_code, why in refused.json()["detail"]) == (409, True), refused.text
    assert (await post(other, "import", {})).status_code == 409
    whole = [each for each in lines if json.loads(each)["subject"] != TICKETS[0]]
    holed = [each for each in lines if each not in whole and json.loads(each)["streamversion"] != 2]
    half = len(whole) // 2
    for first, piece in ((True, whole[:5]), (True, holed + whole[:half]), (False, whole[half:])):
        sent = await post(other, "import/lines", {"first": first, "lines": piece})
        assert sent.status_code == 204, sent.text
    tried = await operate(other, "import", dry_run=True)
    assert (tried["job"], tried["tickets"], tried["events"], tried["mails"]) == (
        *(None, len(TICKETS) + 1, len(whole) + 2, 0),
    )
    found = await imported(other)
    assert [(each["kind"], each["ticket_id"]) for each in found["findings"]] == [("not-imported", TICKETS[0])]
    assert found["done"] == len(whole) + 2
    assert not await other.database.fetchval(
        "SELECT EXISTS (SELECT FROM events WHERE ticket_id = $1)", TICKETS[0]
    )
