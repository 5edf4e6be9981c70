"""The portal as a service: what it waits for, and whom it slows down."""

from collections.abc import Awaitable, Callable

import asyncpg
import pytest
from portal_query.app import build
from portal_query.settings import PortalSettings
from relato_runtime import incarnation

from tests.support.issuer import Issuer
from tests.support.projection import Projection
from tests.support.reaching import reaching
from tests.support.serving import serving
from tests.support.waiting import until


@pytest.fixture
async def history(database: Callable[..., Awaitable[str]]) -> Projection:
    """A database where the projector has never run."""
    return Projection(await database("history_projector"))


async def test_it_is_ready_once_there_are_read_models_and_says_so_until_then(
    settings: PortalSettings, history: Projection, issuer: Issuer
) -> None:
    async with serving(build(settings)) as address, reaching(address) as client:

        async def says_why() -> bool:
            answer = await client.get("/readyz")
            return answer.status_code == 503 and "read models" in answer.json()["missing"].get("history", "")

        async def ready() -> bool:
            return (await client.get("/readyz")).status_code == 200

        await until(says_why, what="the reason")
        answer = await client.get("/api/portal/my/requests", headers=issuer.bearer("ana"))
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (503, "not-yet-projected")
        assert answer.headers["retry-after"]
        await history.create()
        await until(ready, what="readiness")
        answer = await client.get("/api/portal/my/requests", headers=issuer.bearer("ana"))
        assert answer.json() == {"items": [], "next_cursor": None}


async def test_histories_that_were_put_back_are_shown_to_nobody_until_they_are_level(
    settings: PortalSettings, history: Projection, issuer: Issuer
) -> None:
    await history.create()
    connection = await asyncpg.connect(history.url)
    await connection.execute("INSERT INTO incarnation (marker) VALUES ('elsewhere')")
    try:
        async with serving(build(settings)) as address, reaching(address) as client:

            async def says_why() -> bool:
                answer = await client.get("/readyz")
                return answer.status_code == 503 and "backup" in answer.json()["missing"].get("history", "")

            async def ready() -> bool:
                return (await client.get("/readyz")).status_code == 200

            await until(says_why, what="the reason")
            # Nobody is known here, and so Carlos sees no desk.
            asked = [("/my/requests", issuer.bearer("ana"), 200), ("/tickets", issuer.bearer("carlos"), 403)]
            for path, who, _ in asked:
                answer = await client.get(f"/api/portal{path}", headers=who)
                assert (answer.status_code, "backup" in answer.json()["detail"]) == (503, True), path
                assert answer.headers["retry-after"]
            await incarnation.remember(connection)
            await incarnation.has_been_compared(connection)
            await until(ready, what="readiness")
            for path, who, answered in asked:
                assert (await client.get(f"/api/portal{path}", headers=who)).status_code == answered, path
    finally:
        await connection.close()


async def test_who_asks_too_often_is_asked_to_wait(
    settings: PortalSettings, history: Projection, issuer: Issuer
) -> None:
    await history.create()
    patient = settings.model_copy(update={"requests_per_second": 3})
    async with serving(build(patient)) as address, reaching(address) as client:
        ana, bia = issuer.bearer("ana"), issuer.bearer("bia")
        answers = [await client.get("/api/portal/my/requests/1", headers=ana) for _ in range(10)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert refused
        assert refused[0].headers["retry-after"] == "1"
        assert (await client.get("/api/portal/my/requests/1", headers=bia)).status_code == 404


async def test_what_it_keeps_is_its_own(
    settings: PortalSettings, history: Projection, issuer: Issuer
) -> None:
    """Its migrations are written down apart from those of the projector, in the same database."""
    async with serving(build(settings)):
        connection = await asyncpg.connect(history.url)
        tables = await connection.fetch(
            "SELECT tablename, tableowner FROM pg_tables WHERE schemaname = 'portal' ORDER BY tablename"
        )
        await connection.close()
    assert [tuple(row) for row in tables] == [
        ("chat_read", "portal_query"), ("migrations", "portal_query"), ("open_pages", "portal_query"),
        ("presence", "portal_query"), ("sessions", "portal_query"),
    ]  # fmt: skip
