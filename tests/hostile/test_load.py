"""Those who ask too often, too slowly, or for too many streams: others are served all the same."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from portal_query.settings import PortalSettings

from tests.integration.notes.conftest import Service
from tests.integration.portal_query.conftest import Portal
from tests.support.projection import recorded

_STREAMS = 300
_SLOW = 200
_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
def per_second() -> int:
    """How often one person may ask."""
    return 100_000


@pytest.fixture
def settings(settings: PortalSettings, per_second: int) -> PortalSettings:
    return settings.model_copy(update={"requests_per_second": per_second})


@asynccontextmanager
async def connections(address: str, number: int, beginning: str) -> AsyncIterator[list[_Connection]]:
    """So many connections to a service, on each of which so much has been sent."""
    parts = urlsplit(address)
    opened = await asyncio.gather(
        *(asyncio.open_connection(parts.hostname, parts.port) for _ in range(number))
    )
    for _, writer in opened:
        writer.write(beginning.encode())
    try:
        yield opened
    finally:
        for _, writer in opened:
            writer.transport.abort()


@pytest.mark.parametrize("per_second", [10])  # so few that a slow machine asks for more as well
async def test_who_polls_200_times_a_second_is_told_to_wait_and_nobody_else(portal: Portal) -> None:
    # Not in the second in which a fixture has asked.
    answers = await asyncio.gather(*(portal.get("ana", "/my/requests") for _ in range(200)))
    counted = Counter(answer.status_code for answer in answers)
    assert set(counted) == {200, 429}
    assert counted[429] >= 50
    assert all(each.headers["retry-after"] == "1" for each in answers if each.status_code == 429)
    assert (await portal.get("bia", "/my/requests")).status_code == 200


async def test_an_entry_reaches_hundreds_of_open_streams(portal: Portal) -> None:
    token = portal.issuer.bearer("ana")["Authorization"]
    asking = f"GET /api/portal/my/requests/1001/stream HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n\r\n"
    async with connections(str(portal.http.base_url), _STREAMS, asking) as opened:
        await portal.followed_by(_STREAMS)
        await portal.history.tell(recorded(visible_to_requester=True, description_html="<p>a todos</p>"))
        began = time.perf_counter()
        async with asyncio.timeout(15):
            await asyncio.gather(*(reader.readuntil(b"a todos") for reader, _ in opened))
        assert time.perf_counter() - began < 10
        assert (await portal.get("ana", "/my/requests/1001/history")).status_code == 200
    await portal.followed_by(0)


async def test_clients_that_never_finish_their_requests_hold_up_no_other(
    portal: Portal, service: Service
) -> None:
    token = service.issuer.bearer("carlos")["Authorization"]
    head = "GET /api/portal/tickets HTTP/1.1\r\nHost: x\r\nX-Slow: "
    body = (
        f"POST /api/notes/tickets/1001/chat HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n"
        'Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"text": "'
    )
    async with (
        connections(str(portal.http.base_url), _SLOW, head) as heads,
        connections(str(service.http.base_url), _SLOW, body) as bodies,
    ):
        for _ in range(5):
            for _, writer in [*heads, *bodies]:
                writer.write(b"a")
            began = time.perf_counter()
            assert (await portal.get("carlos", "/tickets")).status_code == 200
            answer = await service.post("carlos", "/tickets/1001/chat", {"text": "depressa"})
            assert answer.status_code == 201
            assert time.perf_counter() - began < 2
    assert await service.database.fetchval("SELECT count(*) FROM events") == 5
