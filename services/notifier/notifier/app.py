"""Composition root of the notifier."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

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
from relato_runtime.refusals import Refused
from relato_runtime.taking import Taking

from notifier import erasing, http, measured, named, operate_http, telling, verify
from notifier.consume import TOPICS, Intake, look_again
from notifier.housekeeping import keep_house
from notifier.levelling import Gate
from notifier.operating import Operating
from notifier.planner import Planner
from notifier.publish import publish
from notifier.render import Renderer
from notifier.retelling import retell
from notifier.send import Sender
from notifier.settings import NotifierSettings
from notifier.tester import Tester
from notifier.trying import Workshop

_BATCH = 200
"""Events planned in one transaction: their mails go out when it ends."""


def build(settings: NotifierSettings) -> FastAPI:
    """The service as an application; it begins to work with its lifespan."""
    readiness = Readiness(
        "database", "ledger", "consumer", "waiting", "senders", "leases", "outcomes", "measure", "jobs"
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            url = settings.database_url.get_secret_value()
            await database.migrate(url, "notifier")
            # Each sender holds a connection for moments; the loops beside them some for longer.
            size = max(settings.database_pool, settings.senders + 5)
            pool = await stack.enter_async_context(database.open_pool(url, size=size, by_key=True))
            readiness.has("database")
            renderer = Renderer(settings.render_seconds)
            stack.push_async_callback(renderer.close)
            planner = Planner(settings, renderer)
            trying = Renderer(settings.render_seconds)
            stack.push_async_callback(trying.close)
            workshop = Workshop(settings, pool, trying)
            tester = Tester(settings, pool, workshop)
            told = asyncio.Event()
            sender = Sender(settings, pool, readiness, "senders", told.set)

            def committed() -> None:
                """Mails may have been planned, and outcomes told."""
                sender.wake()
                told.set()

            limit = RateLimit(settings.requests_per_second)
            authenticate = Authenticator(settings)
            app.include_router(http.routes(pool, workshop, tester, authenticate, limit, on_decided=committed))
            operator = operators_http.operator(authenticate, limit)
            app.include_router(operators_http.audit_routes("notifier", pool, operator))
            app.include_router(watching.routes("notifier", readiness, operator))
            app.include_router(
                verified.routes(
                    *("/api/operate/mails/ledger", verify.SUBJECT, pool, operator, verify.repair),
                    harmless=verify.HARMLESS,
                )
            )
            app.include_router(operate_http.routes(pool, Operating(pool, planner), operator))
            consumer = Consumer(
                settings,
                pool,
                name="notifier",
                service="notifier",
                topics=TOPICS,
                apply=Intake(planner, settings.topic_prefix).apply,
                readiness=readiness,
                part="consumer",
                on_commit=committed,
                max_records=_BATCH,
            )
            app.include_router(telling.routes(pool, operator))

            async def count(person_id: str) -> Holdings:
                async with pool.acquire() as connection:
                    tables = await erasing.held(connection, person_id)
                    topics = await named.named(connection, person_id)
                    return holdings.of(tables, topics | await remains.on_topics(connection, person_id))

            app.include_router(holdings.routes("notifier", pool, count, operator))
            cleared = Clearing(
                *("notifier", erasing.held, erasing.tables),
                lambda connection, job: retell(settings, connection, job),
            )
            work: dict[str, working.Work] = {
                verified.VERIFY: lambda job: verify.verify(settings, job),
                CLEAR: lambda job: clear(settings, job, cleared),
            }
            gate = Gate(settings, readiness, "ledger")

            def taking(name: str) -> Taking:
                """What waits for the ledger when it is a consumer waits for it here too."""
                if not gate.open:
                    raise Refused("The ledger is being compared with Kafka; try again in a moment.")
                # A retraction meant nothing while what it retracts was not known.
                return {"notifier": replace(consumer.taking, repeats=True)}[name]

            app.include_router(letters_http.routes("notifier", pool, taking, operator))
            behind: dict[str, background.Loop] = {
                "consumer": consumer.run,
                "waiting": lambda: look_again(pool, planner, readiness, "waiting", committed),
                "senders": sender.run,
                "leases": lambda: keep_house(pool, settings.lease, readiness, "leases"),
                "outcomes": lambda: publish(settings, pool, readiness, "outcomes", told),
            }
            loops: dict[str, background.Loop] = {
                "ledger": gate.run,
                "measure": lambda: measure(pool, readiness, "measure", measured.ledger, measured.outcomes),
                "erasures": lambda: look(pool, readiness, "erasures"),
                "jobs": lambda: working.work(pool, work, readiness, "jobs"),
                **{name: gate.behind(loop) for name, loop in behind.items()},
            }
            await stack.enter_async_context(background.running(loops, readiness))
            yield

    return create_app(
        "Relato notifier", service="notifier", api="/api/notifier", readiness=readiness, lifespan=lifespan
    )
