"""Composition root of the history projector."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI
from relato_runtime import (
    background,
    database,
    holdings,
    letters_http,
    operators_http,
    remains,
    verified,
    watching,
    working,
)
from relato_runtime.auth import Authenticator
from relato_runtime.clearing import CLEAR, Clearing, clear, look
from relato_runtime.consume import Consumer
from relato_runtime.holdings import Holdings
from relato_runtime.http import RateLimit, create_app
from relato_runtime.measured import measure
from relato_runtime.readiness import Readiness
from relato_runtime.taking import Taking

from history_projector import generations, http, people, put_back, reference, refold, verifying
from history_projector.keeper import Keeper
from history_projector.operations import Operations
from history_projector.settings import ProjectorSettings


def build(settings: ProjectorSettings) -> FastAPI:
    """The service as an application; it begins to work with its lifespan."""
    readiness = Readiness(
        "database", "reference", "measure", "live generation", "work", "verify", "health", "jobs"
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            url = settings.database_url.get_secret_value()
            await database.migrate(url, "history_projector")
            pool = await stack.enter_async_context(database.open_pool(url, size=settings.database_pool))
            await generations.consuming(pool)
            readiness.has("database")
            limit = RateLimit(settings.requests_per_second)
            operations = Operations(settings, pool)
            who = operators_http.operator(Authenticator(settings), limit)
            app.include_router(http.routes(operations, who))
            app.include_router(operators_http.audit_routes("history-projector", pool, who))
            app.include_router(watching.routes("history-projector", readiness, who))
            reading = Consumer(
                settings,
                pool,
                name=reference.CONSUMER,
                service="history-projector",
                topics=reference.TOPICS,
                apply=reference.apply,
                readiness=readiness,
                part="reference",
            )
            keeper = Keeper(settings, pool, readiness)

            async def count(person_id: str) -> Holdings:
                async with pool.acquire() as connection:
                    tables = await people.held(connection, person_id)
                    topics = await people.on_topics(connection, person_id)
                    return holdings.of(tables, topics | await remains.on_topics(connection, person_id))

            app.include_router(holdings.routes("history-projector", pool, count, who))

            def taking(name: str) -> Taking:
                return reading.taking if name == reference.CONSUMER else keeper.taking(name)

            app.include_router(letters_http.routes("history-projector", pool, taking, who))
            stack.push_async_callback(keeper.close)
            fold = "/api/operate/projections/history/fold"
            app.include_router(verified.routes(fold, refold.SUBJECT, pool, who, refold.repair))
            cleared = Clearing("history-projector", people.to_go, people.tables)
            work: dict[str, working.Work] = {
                verified.VERIFY: lambda job: refold.verify(settings, job),
                CLEAR: lambda job: clear(settings, job, cleared),
            }
            loops: dict[str, background.Loop] = {
                "reference": reading.run,
                "live generation": keeper.keep,
                "work": keeper.work,
                "measure": keeper.measure,
                "health": lambda: measure(pool, readiness, "health"),
                "erasures": lambda: look(pool, readiness, "erasures"),
                "verify": lambda: verifying.verify(pool, readiness, "verify"),
                "jobs": lambda: working.work(pool, work, readiness, "jobs"),
            }
            # Operators can be answered before histories can be read.
            aside: dict[str, background.Loop] = {
                "put back": lambda: put_back.see_to(settings, pool, readiness, "put back"),
            }
            await stack.enter_async_context(background.running(loops, readiness, aside=aside))
            yield

    return create_app(
        "Relato operators' API",
        service="history-projector",
        api="/api/operate",
        readiness=readiness,
        lifespan=lifespan,
    )
