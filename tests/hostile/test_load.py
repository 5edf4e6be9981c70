"""Those who ask too often, too slowly, or for too many streams: others are served all the same."""

import asyncio
import gc
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from urllib.parse import urlsplit

import httpx
import pytest
from portal_query.settings import PortalSettings
from relato_runtime import patience
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT

from tests.integration.notes.conftest import Service
from tests.integration.portal_query.conftest import Portal
from tests.support.projection import recorded
from tests.support.waiting import until

_STREAMS = 1_000
_SLOW = 200
_OTHERS = 5
_LARGE = 60_000
_MANY = 120
_PAGE = "since=2026-11-28T00:00:00Z&after=0&settings=x"
_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
def per_second() -> int:
    """How often one person may ask."""
    return 100_000


@pytest.fixture
def streams() -> int:
    """How many streams one person may keep open."""
    return _STREAMS


@pytest.fixture
def settings(settings: PortalSettings, per_second: int, streams: int) -> PortalSettings:
    return settings.model_copy(update={"requests_per_second": per_second, "streams_per_person": streams})


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


async def test_an_entry_reaches_a_thousand_open_streams(portal: Portal) -> None:
    token = portal.issuer.bearer("ana")["Authorization"]
    asking = f"GET /api/portal/my/requests/1001/stream HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n\r\n"
    async with connections(str(portal.http.base_url), _STREAMS, asking) as opened:
        await portal.followed_by(_STREAMS, within=60)
        await portal.history.tell(recorded(visible_to_requester=True, description_html="<p>a todos</p>"))
        began = time.perf_counter()
        async with asyncio.timeout(15):
            await asyncio.gather(*(reader.readuntil(b"a todos") for reader, _ in opened))
        assert time.perf_counter() - began < 10
        assert (await portal.get("ana", "/my/requests/1001/history")).status_code == 200
    await portal.followed_by(0)


@pytest.mark.parametrize("streams", [_OTHERS])
async def test_who_opens_too_many_streams_is_told_to_wait_and_others_go_on(portal: Portal) -> None:
    opened = [await portal.stream("ana", "/my/requests/1001/stream") for _ in range(_OTHERS)]
    opened += [await portal.stream("carlos", "/tickets/1001/stream") for _ in range(_OTHERS)]
    await portal.followed_by(2 * _OTHERS)
    # Whatever they are about: all are one person's.
    for person, path in (
        ("ana", "/api/portal/my/requests/1001/stream"),
        ("ana", f"/portal/requests/1001/stream?{_PAGE}"),
        ("ana", f"/portal/stream?{_PAGE}"),
        ("carlos", "/api/portal/tickets/1001/stream"),
        ("carlos", f"/desk/tickets/1001/stream?{_PAGE}"),
        ("carlos", f"/desk/stream?{_PAGE}"),
    ):
        refused = await _tried(portal, person, path)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "10"), path
    assert refused.json()["type"].endswith("/too-many-streams")
    await portal.history.tell(recorded(visible_to_requester=True))
    for each in opened:
        await each.next("entry")
    await opened[0].close()

    async def again() -> bool:
        return (await _tried(portal, "ana", f"/portal/stream?{_PAGE}")).status_code == 200

    await until(again, what="room for another stream")
    for each in opened[1:]:
        await each.close()
    await portal.followed_by(0)


async def _tried(portal: Portal, person: str, path: str) -> httpx.Response:
    """How a stream is answered; it is read no further than a refusal goes."""
    request = portal.http.build_request("GET", path, headers=portal.issuer.bearer(person))
    answer = await portal.http.send(request, stream=True)
    if answer.status_code != 200:
        await answer.aread()
    await answer.aclose()
    return answer


async def test_who_never_reads_a_stream_holds_up_nobody_and_is_hung_up_on(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "UNREAD_SECONDS", 3.0)
    large = f"<p>{'x' * _LARGE}</p>"
    await portal.history.tell(
        *(recorded(visible_to_requester=True, description_html=large) for _ in range(_MANY))
    )
    token = portal.issuer.bearer("ana")["Authorization"]
    asking = f"GET /api/portal/my/requests/1001/stream HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n"
    address = str(portal.http.base_url)
    buffered: list[int] = []
    async with connections(address, _OTHERS, f"{asking}\r\n") as opened:
        await portal.followed_by(_OTHERS)
        with unread(address, f"{asking}Last-Event-ID: 0-0-0\r\n\r\n") as silent:
            await portal.followed_by(_OTHERS + 1)

            async def waits() -> int:
                return most if (most := _most_buffered()) > _LARGE else 0

            async def hung_up() -> bool:
                word = f"palavra{len(buffered):04}"
                entry = recorded(visible_to_requester=True, description_html=f"<p>{word}</p>")
                await portal.history.tell(entry)
                await asyncio.gather(*(reader.readuntil(word.encode()) for reader, _ in opened))
                buffered.append(_most_buffered())
                return f"relato_ticket_followers {float(_OTHERS)}" in (await portal.http.get("/metrics")).text

            # They may be hung up on before the first of those words has come to everybody else.
            buffered.append(await until(waits, what="more than a client takes"))
            await until(hung_up, within=60, what="an end to waiting for whoever does not read")
            _read_to_the_end(silent)
    assert _LARGE < max(buffered) < HIGH_WATER_LIMIT + 2 * _LARGE, "what waits does not grow"
    await portal.followed_by(0)


def _read_to_the_end(connection: socket.socket) -> None:
    """Take what had come; fails while the connection goes on."""
    connection.settimeout(5)
    with suppress(ConnectionError):
        while connection.recv(65_536):
            pass


def _most_buffered() -> int:
    """The most that waits for any client."""
    open_ = [
        each for each in gc.get_objects() if type(each) is patience.Patient and each.transport is not None
    ]
    return max(each.transport.get_write_buffer_size() for each in open_)


@contextmanager
def unread(address: str, beginning: str) -> Iterator[socket.socket]:
    """A connection on which so much has been sent, and whose owner reads nothing, with little room for it."""
    parts = urlsplit(address)
    with socket.socket() as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        made.connect((parts.hostname, parts.port))
        made.sendall(beginning.encode())
        yield made


def _begun(token: str) -> str:
    """A line of chat without its end."""
    return (
        f"POST /api/notes/tickets/1001/chat HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n"
        'Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"text": "'
    )


async def test_clients_that_never_finish_their_requests_hold_up_no_other(
    portal: Portal, service: Service
) -> None:
    head = "GET /api/portal/tickets HTTP/1.1\r\nHost: x\r\nX-Slow: "
    body = _begun(service.issuer.bearer("carlos")["Authorization"])
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


async def test_who_never_finishes_a_body_is_hung_up_on_and_nobody_else(
    portal: Portal, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "UNFINISHED_SECONDS", 1.0)
    stream = await portal.stream("carlos", "/tickets/1001/stream")
    address = str(service.http.base_url)
    body, refused = _begun(service.issuer.bearer("carlos")["Authorization"]), _begun("nobody")
    async with (
        connections(address, _OTHERS, body) as bodies,
        connections(address, _OTHERS, refused) as answered,
    ):

        async def hung_up() -> bool:
            slow = [writer for _, writer in (*bodies, *answered) if not writer.is_closing()]
            for writer in slow:
                writer.write(b"a")
            return not slow

        await until(hung_up, what="an end to waiting for bodies")
    assert (await service.post("carlos", "/tickets/1001/chat", {"text": "inteiro"})).status_code == 201
    assert await service.database.fetchval("SELECT count(*) FROM events") == 1
    await portal.history.tell(recorded())
    await stream.next("entry")
    await stream.close()
