"""Composition root of the notes service."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from fastapi import Depends, FastAPI
from relato_runtime import background, clearing, database, letters_http, operators_http, watching, working
from relato_runtime.auth import Authenticator
from relato_runtime.consume import Consumer
from relato_runtime.database import Pool
from relato_runtime.http import RateLimit, create_app
from relato_runtime.jobs import Job
from relato_runtime.measured import measure
from relato_runtime.problems import unavailable
from relato_runtime.readiness import Readiness
from relato_runtime.verified import VERIFY

from notes import conversation_http, drafts_http, http, itsm_http, measured, reference, release, store
from notes.asking import Asking
from notes.commit import Committer
from notes.operating import levelling, operate_http, telling_http
from notes.operating.adopting import ADOPT, take_over
from notes.operating.importing import IMPORT, take_in
from notes.operating.republish import REPUBLISH, republish
from notes.operating.verify import verify
from notes.privacy import people_http, remembering
from notes.privacy.erasing import CLEARING, ERASE, SUBJECT, erase, wish
from notes.privacy.retaining import RETAIN, retain
from notes.proof import chaining, proof_http, sealing
from notes.proof.levelled import Levelled
from notes.publisher import Publisher
from notes.relay import Relay
from notes.settings import NotesSettings


def build(settings: NotesSettings) -> FastAPI:
    """The service as an application; it begins to work with its lifespan."""
    readiness = Readiness("database", "commands", "relay", "reference", "releases", "measure", "jobs")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            url = settings.database_url.get_secret_value()
            await database.migrate(url, "notes")
            pool = await stack.enter_async_context(
                database.open_pool(url, size=settings.database_pool, by_key=True)
            )
            readiness.has("database")
            relay = Relay(settings, readiness, "relay")
            committer = Committer(pool, relay.wake)
            consumer = Consumer(
                settings,
                pool,
                name="notes-reference",
                service="notes",
                topics=reference.TOPICS,
                apply=reference.apply,
                readiness=readiness,
                part="reference",
            )
            publisher = Publisher(settings)
            stack.push_async_callback(publisher.close)
            authenticate = Authenticator(settings)
            limit = RateLimit(settings.requests_per_second)
            told = [Depends(gate(readiness))]
            asking = Asking(committer, authenticate, limit)
            http.add_routes(asking)
            conversation_http.add_routes(asking)
            app.include_router(asking.router)
            app.include_router(drafts_http.routes(pool, authenticate, limit), dependencies=told)
            app.include_router(itsm_http.routes(settings, pool, publisher, authenticate, limit))
            operator = operators_http.operator(authenticate, limit)
            app.include_router(operators_http.audit_routes("notes", pool, operator))
            app.include_router(watching.routes("notes", readiness, operator))
            consumers = {"notes-reference": consumer.taking}
            letters = letters_http.routes("notes", pool, consumers.__getitem__, operator)
            app.include_router(letters, dependencies=told)
            app.include_router(operate_http.routes(settings, pool, operator))
            app.include_router(telling_http.routes(settings, pool, operator), dependencies=told)
            levelled = Levelled()
            proofs = (
                proof_http.routes(settings, pool, levelled, authenticate, limit),
                proof_http.operators_routes(settings, pool, levelled, operator),
            )
            for router in proofs:
                app.include_router(router, dependencies=told)
            app.include_router(people_http.routes(pool, operator))
            level = asyncio.Event()

            def once_level(go_on: working.Work) -> working.Work:
                """What adds to the log does so where it is level with its topic, as commands do."""

                async def work_on(job: Job) -> None:
                    await level.wait()
                    await go_on(job)

                return work_on

            work: dict[str, working.Work] = {
                VERIFY: lambda job: verify(settings, job),
                REPUBLISH: lambda job: republish(settings, job),
                IMPORT: lambda job: take_in(settings, job),
                ADOPT: lambda job: take_over(settings, job),
                ERASE: once_level(lambda job: erase(settings, job, settings.erasures_file)),
                RETAIN: once_level(lambda job: retain(settings, job)),
                clearing.CLEAR: lambda job: clearing.clear(settings, job, CLEARING),
            }
            health = [measured.pending, *([measured.unsealed] if settings.log_key_file else [])]
            loops: dict[str, background.Loop] = {
                "relay": relay.run,
                "commands": lambda: _commit(settings, committer, readiness, level),
                "reference": consumer.run,
                "releases": lambda: release.run(pool, committer, readiness, "releases"),
                "measure": lambda: measure(pool, readiness, "measure", *health),
                "jobs": lambda: working.work(pool, work, readiness, "jobs"),
                "erasures": lambda: clearing.look(
                    pool, readiness, "erasures", kind=ERASE, subject=SUBJECT, wish=wish
                ),
                "housekeeping": lambda: _forget_answers(pool, settings, readiness),
            }
            aside: dict[str, background.Loop] = {
                "chaining": lambda: chaining.run(pool),
                "sealing": lambda: sealing.run(settings, readiness, levelled),
            }
            await stack.enter_async_context(background.running(loops, readiness, aside=aside))
            yield

    return create_app(
        "Relato notes", service="notes", api="/api/notes", readiness=readiness, lifespan=lifespan
    )


def gate(readiness: Readiness) -> Callable[[], Awaitable[None]]:
    """Routes that tell what was said depend on this: a log that was put back may say what was erased."""

    async def level() -> None:
        if "commands" in readiness.missing:
            raise unavailable("The log is not told from yet.", retry_after=2)

    return level


async def _commit(
    settings: NotesSettings, committer: Committer, readiness: Readiness, level: asyncio.Event
) -> None:
    readiness.lacks("commands", "the log is being compared with Kafka")
    await levelling.before_commands(settings)
    level.set()
    readiness.lacks("commands", "people who were erased are erased again")
    await remembering.before_commands(settings, settings.erasures_file)
    readiness.has("commands")
    await committer.run()


async def _forget_answers(pool: Pool, settings: NotesSettings, readiness: Readiness) -> None:
    """Idempotency keys are kept for as long as a client may sensibly try again."""
    while True:
        await store.forget_answers(pool, timedelta(hours=settings.idempotency_hours))
        readiness.has("housekeeping")
        await asyncio.sleep(600)
