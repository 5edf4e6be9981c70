"""Bodies that are too large, too deep, or no object, at every route that changes something."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from history_projector.settings import ProjectorSettings
from notes.settings import NotesSettings
from portal_query.settings import PortalSettings

from tests.hostile.routes import Place, Route, headers, unsafe
from tests.integration.history_projector.conftest import Projecting
from tests.integration.notes.conftest import Service
from tests.integration.notifier.conftest import Notifier
from tests.integration.portal_query.conftest import Portal
from tests.support import world

_OFTEN: dict[str, Any] = {"requests_per_second": 100_000}
_MOST_SENT = 20_000_000
"""Of an endless body, until the service is done with it; sockets have buffers."""
SERVICES = ["notes", "questions", "mails", "projections"]


@pytest.fixture
def settings(settings: PortalSettings) -> PortalSettings:
    return settings.model_copy(update=_OFTEN)


@pytest.fixture
def notes_settings(notes_settings: NotesSettings) -> NotesSettings:
    return notes_settings.model_copy(update=_OFTEN)


@pytest.fixture
def projector_settings(projector_settings: ProjectorSettings) -> ProjectorSettings:
    return projector_settings.model_copy(update=_OFTEN)


@pytest.fixture
def notes(service: Service) -> Place:
    return Place(str(service.http.base_url), "/api/notes/openapi.json", service.issuer)


@pytest.fixture
def questions(portal: Portal) -> Place:
    return Place(str(portal.http.base_url), "/api/portal/openapi.json", portal.issuer)


@pytest.fixture
def projections(projector: Projecting) -> Place:
    return Place(str(projector.http.base_url), "/api/operate/openapi.json", projector.issuer)


@pytest.fixture
async def mails(idle: Notifier) -> Place:
    await idle.publish(*world.world())
    await idle.start(**_OFTEN)
    await idle.taken_in()
    return Place(idle.address, "/api/notifier/openapi.json", idle.issuer)


@pytest.fixture
def place(name: str, request: pytest.FixtureRequest) -> Place:
    """The service of that name, running in the small known world."""
    found = request.getfixturevalue(name)
    assert isinstance(found, Place)
    return found


@pytest.fixture
async def client(place: Place) -> AsyncIterator[httpx.AsyncClient]:
    """Whoever treats it badly; in the end others are served as before."""
    async with httpx.AsyncClient(base_url=place.address, timeout=20) as made:
        yield made
        assert (await made.get("/readyz")).status_code == 200


@pytest.mark.parametrize("name", SERVICES)
async def test_100_megabytes_are_refused_before_they_are_sent(
    place: Place, client: httpx.AsyncClient
) -> None:
    parts = urlsplit(place.address)
    for route in await unsafe(place):
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        given = "".join(f"{name}: {value}\r\n" for name, value in headers(place, route).items())
        writer.write(
            f"{route.method} {route.path} HTTP/1.1\r\nHost: x\r\n{given}"
            "Content-Length: 100000000\r\n\r\n".encode()
        )
        said = await asyncio.wait_for(reader.readline(), 5)
        assert b" 413 " in said, (str(route), said)
        writer.close()


@pytest.mark.parametrize("name", SERVICES)
async def test_endless_bodies_are_refused_after_the_first_megabyte(
    place: Place, client: httpx.AsyncClient
) -> None:
    for route in await unsafe(place):
        sent = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal sent
            for _ in range(1_600):
                sent += 65_536
                yield b" " * 65_536

        try:
            answer = await client.request(
                route.method, route.path, content=endless(), headers=headers(place, route)
            )
        except httpx.TransportError:
            pass  # the connection was closed while we were still sending, which is an answer, too
        else:
            # Who needs no body may answer without having read one.
            assert answer.status_code == 413 or not route.needs_body, (str(route), answer.text)
        # What nobody reads is thrown away as it comes.
        assert sent < _MOST_SENT or not route.needs_body, str(route)


def no_objects() -> Iterator[bytes]:
    """What is no JSON object whatever one makes of it."""
    for depth in (1_000, 100_000, 400_000):
        yield b"[" * depth
        yield b"[" * depth + b"]" * depth
        yield b'{"text":' * (depth // 8) + b"1"
    yield from (b"null", b"[]", b"1", b"true", b'"x"', b"NaN", b"9" * 10_000, b"1e999999", b"{", b"{}{}")
    yield from (
        b'{"text": "\xff\xfe"}',
        b'{"text": "\xc0\xaf"}',
        b'{"text": "\xed\xa0\x80"}',
        b'{"text": "a\x00b"}',
    )
    yield from (b'\xff\xfe{\x00"\x00', b"\x1f\x8b\x08\x00", b"text=x&y=z", b"<x/>", b'{"a": undefined}')


@pytest.mark.parametrize("name", SERVICES)
async def test_what_is_no_object_is_refused_as_a_problem(place: Place, client: httpx.AsyncClient) -> None:
    for route in await unsafe(place):
        for content in no_objects():
            answer = await ask(client, place, route, content)
            expected = {400, 413, 415, 422} if route.needs_body else range(200, 500)
            assert answer.status_code in expected, (str(route), content[:60], answer.text[:300])
            if answer.is_error:
                assert answer.headers["content-type"] == "application/problem+json", str(route)


async def ask(client: httpx.AsyncClient, place: Place, route: Route, content: bytes) -> httpx.Response:
    """One request."""
    return await client.request(route.method, route.path, content=content, headers=headers(place, route))
