"""Composition root of the portal's queries."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import asyncpg
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import SecretStr
from relato_runtime import background, database, holdings, incarnation, operators_http, watching
from relato_runtime.auth import Authenticator
from relato_runtime.database import Pool, Required
from relato_runtime.http import RateLimit, create_app
from relato_runtime.measured import measure
from relato_runtime.problems import unavailable
from relato_runtime.readiness import Readiness
from starlette.middleware.sessions import SessionMiddleware

from portal_query import (
    administration,
    desk,
    erasing,
    front_door,
    histories,
    login,
    operators_document,
    past,
    requests,
)
from portal_query.browser import Cookie
from portal_query.chat_read import ChatRead
from portal_query.cursor import Cursors
from portal_query.http import Portal
from portal_query.issuer import Issuer
from portal_query.live import Live
from portal_query.open_streams import OpenStreams
from portal_query.pages import administration as administration_page
from portal_query.pages import chat as chat_page
from portal_query.pages import desk as desk_page
from portal_query.pages import errors, head, history, home, operation
from portal_query.pages import lists as lists_page
from portal_query.pages import portal as portal_page
from portal_query.pages import ticket as ticket_page
from portal_query.pages.reader import Readers
from portal_query.pages.render import Pages
from portal_query.policy import Policy
from portal_query.presence import Presence
from portal_query.sessions import Sessions, named
from portal_query.settings import PortalSettings
from portal_query.static import Static

_LOGIN_SECONDS = 600


def build(settings: PortalSettings) -> FastAPI:
    """The service as an application; it begins to work with its lifespan."""
    cookie = Cookie(settings)
    readiness = Readiness("database", "history", "presence", "sessions", "measure")
    secret = settings.session_secret.get_secret_value()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:

            async def pool_of(url: SecretStr, required: Required | None = None) -> Pool:
                opened = database.open_pool(
                    url.get_secret_value(), size=settings.database_pool, required=required
                )
                return await stack.enter_async_context(opened)

            url = settings.database_url.get_secret_value()
            await database.migrate(url, "portal_query", schema="portal", consumes=False)
            own = await pool_of(settings.database_url)
            executors = await pool_of(settings.executor_database_url, incarnation.required)
            requesters = await pool_of(settings.requester_database_url, incarnation.required)
            readiness.has("database")
            live = Live(url, readiness, "history")
            presence = Presence(own, settings, lasting=timedelta(seconds=settings.presence_seconds))
            sessions = Sessions(
                own,
                secret,
                idle=timedelta(minutes=settings.session_idle_minutes),
                absolute=timedelta(hours=settings.session_hours),
            )
            authenticate = Authenticator(settings)
            limit = RateLimit(settings.requests_per_second)
            operator = operators_http.operator(authenticate, limit)
            app.include_router(watching.routes("portal-query", readiness, operator))
            app.include_router(operators_document.routes())
            app.include_router(
                holdings.routes("portal-query", None, lambda person: erasing.count(own, person), operator)
            )
            portal = Portal(
                authenticate=authenticate,
                limit=limit,
                cursors=Cursors(secret),
                live=live,
                streams=OpenStreams(settings.streams_per_person),
                presence=presence,
                chat_read=ChatRead(own),
                session=lambda request: (known := cookie.of(request)) and named(known),
                stream_lasting=timedelta(minutes=settings.stream_minutes),
            )
            app.include_router(desk.routes(portal, executors))
            app.include_router(histories.routes(portal, executors))
            app.include_router(requests.routes(portal, requesters))
            app.include_router(administration.routes(portal, executors))
            app.include_router(past.routes(past.Past(executors, portal.cursors), operator))
            issuer = Issuer(settings, authenticate)
            app.include_router(login.routes(settings, issuer, sessions))
            app.include_router(front_door.routes(settings, issuer, sessions))
            _add_pages(app, portal, pages, executors, requesters)
            loops: dict[str, background.Loop] = {
                "history": live.run,
                "presence": lambda: presence.sweep(readiness, "presence"),
                "measure": lambda: measure(own, readiness, "measure", consumes=False),
                "sessions": lambda: sessions.sweep(readiness, "sessions"),
            }
            # Histories can be read while Kafka is away, so it is nothing that readiness waits for.
            aside: dict[str, background.Loop] = {
                "presence-publisher": presence.publish,
                "erasures": lambda: erasing.run(own, executors),
            }
            await stack.enter_async_context(background.running(loops, readiness, aside=aside))
            yield

    app = create_app(
        "Relato portal", service="portal-query", api="/api/portal", readiness=readiness, lifespan=lifespan
    )
    static = Static()
    pages = Pages(static, settings.hold_seconds)
    app.include_router(static.routes())
    app.include_router(home.login(pages))
    app.add_middleware(Policy, issuer=settings.oidc_issuer)
    app.add_middleware(
        SessionMiddleware,
        secret_key=secret,
        session_cookie="__Host-relato_login" if settings.https else "relato_login",
        max_age=_LOGIN_SECONDS,
        https_only=settings.https,
    )
    for missing in (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
        app.add_exception_handler(missing, _on_not_projected)
    errors.install(app, pages)
    return app


def _add_pages(app: FastAPI, portal: Portal, pages: Pages, executors: Pool, requesters: Pool) -> None:
    """What people see; the rest of the routes is what programs ask."""
    readers = Readers(portal, executors, requesters)
    app.include_router(home.home(readers))
    app.include_router(desk_page.routes(portal, pages, readers, executors))
    app.include_router(ticket_page.routes(portal, pages, readers, executors))
    app.include_router(head.routes(pages, readers, executors, requesters))
    app.include_router(history.routes(portal, pages, readers, executors))
    app.include_router(portal_page.routes(portal, pages, readers, requesters))
    app.include_router(lists_page.routes(portal, pages, readers, executors, requesters))
    app.include_router(chat_page.routes(portal, pages, readers, executors, requesters))
    app.include_router(administration_page.routes(portal, pages, readers, executors))
    app.include_router(operation.routes(pages, readers, past.Past(executors, portal.cursors)))


async def _on_not_projected(_request: Request, _error: Exception) -> JSONResponse:
    return unavailable("The history has not been projected yet.", code="not-yet-projected").response()
