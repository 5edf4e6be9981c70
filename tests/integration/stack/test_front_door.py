"""The front door: one origin, sessions turned into tokens, nothing claimed by clients."""

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from relato.settings import StackSettings
from relato.stack import caddy, process
from relato.stack.ports import free

from tests.support import scratch
from tests.support.reaching import reaching
from tests.support.serving import serving
from tests.support.waiting import until

SESSION = {"Cookie": "other=1; relato_session=good"}


def _service(name: str, closed: asyncio.Event) -> FastAPI:
    """Says what arrives; stands for every service behind the door."""
    app = FastAPI()

    @app.get("/session/authorize")
    async def authorize(request: Request) -> Response:
        if "relato_session=good" not in request.headers["cookie"]:
            return JSONResponse({"asked": dict(request.headers)}, 401)
        rotated = (
            {"Set-Cookie": "relato_session=good-2; Path=/"} if "old=1" in request.headers["cookie"] else {}
        )
        return Response(headers={"Authorization": "Bearer of-the-session", **rotated})

    @app.get("/api/portal/stream")
    async def stream() -> StreamingResponse:
        async def events() -> AsyncIterator[str]:
            try:
                yield "data: first\n\n"
                await asyncio.Event().wait()
            finally:
                closed.set()

        return StreamingResponse(events(), media_type="text/event-stream")

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def seen(request: Request) -> JSONResponse:
        said = {"by": name, "path": request.url.path, "headers": dict(request.headers), "padding": "x" * 2000}
        said["body"] = (await request.body()).decode()
        return JSONResponse(said, headers={"Set-Cookie": "of-the-service=1"})

    return app


class Door:
    """A front door with four services behind it."""

    def __init__(self, client: httpx.AsyncClient, closed: asyncio.Event) -> None:
        self.client, self.stream_closed = client, closed

    async def seen(self, path: str, **headers: str) -> dict[str, str]:
        """The headers that arrive behind the door."""
        answer = await self.client.get(path, headers=headers)
        assert answer.status_code == 200
        return dict(answer.json()["headers"])


@pytest.fixture(scope="module")
async def door() -> AsyncIterator[Door]:
    """A front door that remembers nothing of whoever came."""
    closed = asyncio.Event()
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(scratch.directory())
        settings = StackSettings(home=directory, port=free())
        upstreams = {}
        for name in ("notes", "notifier", "history-projector", "portal-query", "issuer"):
            address = await stack.enter_async_context(serving(_service(name, closed)))
            upstreams[name] = urlsplit(address).port or 0
        program = caddy.program(settings, upstreams, directory / "caddy.log", {}, directory)
        await stack.enter_async_context(process.running(program))
        client = reaching(settings.origin)
        yield Door(await stack.enter_async_context(client), closed)


@pytest.mark.parametrize(
    ("path", "service", "arrives_as"),
    [
        ("/api/notes/tickets/1", "notes", "/api/notes/tickets/1"),
        ("/api/notifier/variables", "notifier", "/api/notifier/variables"),
        ("/api/operate/projections", "history-projector", "/api/operate/projections"),
        ("/api/operate/audit/history-projector", "history-projector", "/api/operate/audit/history-projector"),
        ("/api/operate/events/republish", "notes", "/api/operate/events/republish"),
        ("/api/operate/dead-letters/notes", "notes", "/api/operate/dead-letters/notes"),
        ("/api/operate/audit/notes", "notes", "/api/operate/audit/notes"),
        ("/api/operate/mails", "notifier", "/api/operate/mails"),
        ("/api/operate/sending/stop", "notifier", "/api/operate/sending/stop"),
        ("/api/operate/dead-letters/notifier/1", "notifier", "/api/operate/dead-letters/notifier/1"),
        ("/api/operate/audit/notifier", "notifier", "/api/operate/audit/notifier"),
        ("/api/portal/tickets", "portal-query", "/api/portal/tickets"),
        ("/desk/tickets/1", "portal-query", "/desk/tickets/1"),
        ("/login", "portal-query", "/login"),
        ("/", "portal-query", "/"),
        ("/issuer/jwks", "issuer", "/jwks"),
    ],
)
async def test_each_path_leads_to_its_service(door: Door, path: str, service: str, arrives_as: str) -> None:
    answer = (await door.client.get(path)).json()
    assert (answer["by"], answer["path"]) == (service, arrives_as)


async def test_programs_keep_their_own_token(door: Door) -> None:
    assert (await door.seen("/api/notes/x", Authorization="Bearer mine"))["authorization"] == "Bearer mine"


@pytest.mark.parametrize("path", ["/api/notes/x", "/api/notifier/x", "/api/operate/x", "/api/portal/x"])
async def test_a_session_becomes_a_token_and_replaces_what_the_client_sent(door: Door, path: str) -> None:
    seen = await door.seen(path, Authorization="Bearer forged", **SESSION)
    assert seen["authorization"] == "Bearer of-the-session"


async def test_a_sessions_new_id_reaches_the_browser_beside_what_the_service_says(door: Door) -> None:
    answer = await door.client.post(
        "/api/notes/x", headers={"Cookie": "old=1; relato_session=good"}, content="kept"
    )
    assert (answer.json()["headers"]["authorization"], answer.json()["body"]) == (
        "Bearer of-the-session",
        "kept",
    )
    assert set(answer.headers.get_list("set-cookie")) == {"relato_session=good-2; Path=/", "of-the-service=1"}
    door.client.cookies.clear()
    unchanged = await door.client.get("/api/notes/x", headers=SESSION)
    assert unchanged.headers.get_list("set-cookie") == ["of-the-service=1"]


async def test_browsers_are_told_to_stay_with_tls_where_there_is_tls(door: Door, directory: Path) -> None:
    header = "strict-transport-security"
    assert header not in (await door.client.get("/desk")).headers
    settings = StackSettings(home=directory, port=free())
    program = caddy.program(settings, {"notes": free()}, directory / "other.log", {}, directory)
    program = replace(program, environment={**program.environment, "RELATO_ORIGIN": "https://relato.example"})
    async with process.running(program), reaching(settings.origin) as behind_tls:
        for path in ("/nothing", "/api/notes/x"):
            assert (await behind_tls.get(path)).headers[header] == "max-age=31536000"


async def test_a_session_that_does_not_count_ends_at_the_door(door: Door) -> None:
    headers = {"Cookie": "__Host-relato_session=bad", "Authorization": "Bearer forged", "Origin": "http://x"}
    answer = await door.client.post("/api/notes/x?y=1", headers=headers)
    assert answer.status_code == 401
    asked = answer.json()["asked"]
    assert "authorization" not in asked
    assert (asked["x-forwarded-method"], asked["x-forwarded-uri"], asked["origin"]) == (
        "POST",
        "/api/notes/x?y=1",
        "http://x",
    )


async def test_a_session_that_does_not_count_bars_nobody_from_coming_in_again(door: Door) -> None:
    for path in ("/login", "/login/start", "/callback", "/logout", "/static/app.css"):
        answer = await door.client.get(path, headers={"Cookie": "relato_session=bad"})
        assert answer.json()["path"] == path


async def test_what_a_client_claims_for_itself_is_taken_away(door: Door) -> None:
    claims = {"X-Forwarded-User": "davi", "X-Relato-Actor": "davi", "Forwarded": "for=9", "X-Real-Ip": "9"}
    seen = await door.seen("/api/notes/x", **claims, **{"X-Forwarded-For": "9.9.9.9"})
    assert not {name.lower() for name in claims} & seen.keys()
    assert seen["x-forwarded-for"] == "127.0.0.1"


@pytest.mark.parametrize(
    "path", ["/session/authorize", "/session//authorize", "/session/%61uthorize", "/Session/authorize/"]
)
async def test_the_session_question_cannot_be_asked_from_outside(door: Door, path: str) -> None:
    assert (await door.client.get(path, headers=SESSION)).status_code == 404


@pytest.mark.parametrize("path", ["/nothing/here", "/healthz", "/readyz", "/metrics", "/api/notifier"])
async def test_unknown_paths_and_what_stays_inside_are_problems(door: Door, path: str) -> None:
    answer = await door.client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_dead_service_is_503_with_a_time_to_come_back(directory: Path) -> None:
    settings = StackSettings(home=directory, port=free())
    program = caddy.program(settings, {"notes": free()}, directory / "caddy.log", {}, directory)
    async with process.running(program), reaching(settings.origin) as client:
        answer = await client.get("/api/notes/x")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"].isdigit()
    assert answer.json()["type"].endswith("/unavailable")


async def test_other_names_for_this_machine_get_nothing(door: Door) -> None:
    assert (await door.client.get("/", headers={"Host": "evil.example"})).status_code == 421


async def test_answers_are_compressed_and_live_updates_are_not_held_back(door: Door) -> None:
    answer = await door.client.get("/desk", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    async with door.client.stream("GET", "/api/portal/stream", headers={"Accept-Encoding": "gzip"}) as live:
        assert await anext(live.aiter_lines()) == "data: first"
    async with asyncio.timeout(5):
        await door.stream_closed.wait()


async def test_what_no_service_answers_is_a_page_for_people_and_a_problem_for_programs(
    directory: Path,
) -> None:
    settings = StackSettings(home=directory, port=free())
    program = caddy.program(settings, {"portal-query": free()}, directory / "caddy.log", {}, directory)
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    async with (
        process.running(program),
        reaching(settings.origin) as client,
    ):
        for path, status, words in (("/desk", 503, "Voltamos em instantes"), ("/nada", 404, "não existe")):
            page = await client.get(path, headers=browser)
            assert (page.status_code, page.headers["content-type"]) == (status, "text/html; charset=utf-8")
            assert all(f'lang="{language}"' in page.text for language in ("pt-BR", "en", "es"))
            assert words in page.text
            style = re.search("<style>(.*?)</style>", page.text, re.DOTALL)
            assert style
            digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
            assert f"style-src 'sha256-{digest}'" in page.headers["content-security-policy"]
            for headers in ({}, {"Accept": "application/json"}):
                problem = await client.get(path, headers=headers)
                assert problem.headers["content-type"] == "application/problem+json"
                assert problem.json()["status"] == problem.status_code == status
        assert page.headers.get("retry-after") is None
        assert (await client.get("/api/portal/tickets", headers=browser)).json()["status"] == 503


async def test_a_service_that_comes_late_lacks_the_front_door_until_it_is_led_to(
    directory: Path,
) -> None:
    settings = StackSettings(home=directory, port=free())
    names = ("notes", "notifier", "history-projector", "portal-query")
    upstreams = {name: free() for name in names}
    async with AsyncExitStack() as stack:
        program = caddy.program(settings, upstreams, directory / "caddy.log", {}, directory)
        await stack.enter_async_context(process.running(program))
        client = await stack.enter_async_context(reaching(settings.origin))

        async def away() -> bool:
            return (await client.get("/api/notes/x")).status_code == 503

        async def led() -> bool:
            return not any([await caddy.lacks(settings.origin, name) for name in names])

        await until(away, what="a front door that knows of nobody")
        for name in names:
            assert await caddy.lacks(settings.origin, name)
            app = _service(name, asyncio.Event())
            await stack.enter_async_context(serving(app, port=upstreams[name]))
        await until(led, within=10, what="a front door that knows of all")
        for path in ("/api/notes/x", "/api/notifier/x", "/api/operate/projections", "/api/portal/x"):
            assert (await client.get(path)).status_code == 200


async def test_a_replica_that_is_gone_costs_nobody_an_answer(directory: Path) -> None:
    settings = StackSettings(home=directory, port=free())
    async with AsyncExitStack() as stack:
        gone = free()
        lives = await stack.enter_async_context(serving(_service("notes", asyncio.Event())))
        upstreams = {"notes": gone, "notes-2": urlsplit(lives).port or 0}
        program = caddy.program(settings, upstreams, directory / "caddy.log", {}, directory)
        await stack.enter_async_context(process.running(program))
        client = await stack.enter_async_context(reaching(settings.origin))
        answers = [await client.post("/api/notes/x", content=str(number)) for number in range(20)]
        assert [answer.json()["body"] for answer in answers] == [str(number) for number in range(20)]
