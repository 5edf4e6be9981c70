"""The HTTP side that all services share: problems, limits, traces, health and metrics."""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, Histogram, generate_latest
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from relato_runtime import problems, telemetry
from relato_runtime.database import UNAVAILABLE
from relato_runtime.incarnation import PutBack
from relato_runtime.patience import Gone
from relato_runtime.problems import Problem
from relato_runtime.readiness import Readiness

log = structlog.get_logger(__name__)

REQUEST_SECONDS = Histogram(
    "relato_http_request_seconds",
    "How long requests took",
    ["method", "route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
READY = Gauge("relato_ready", "1 while the process lacks nothing that it needs")
BODY_LIMIT_BYTES = 1_048_576

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_app(
    title: str, *, service: str, api: str, readiness: Readiness, lifespan: Lifespan, version: str = "0.1.0"
) -> FastAPI:
    """A FastAPI application with what every service has; its API lies below ``api``."""
    provider = telemetry.tracing(f"relato-{service}")
    app = _Documented(
        title=title,
        version=version,
        lifespan=lifespan,
        openapi_url=f"{api}/openapi.json",
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
        # A span for each request, which goes on from the caller's trace; not one for each step of it.
        telemetry={
            "tracer_provider": provider,
            "tracing": provider is not None,
            "operation_spans": False,
            "metrics": False,
            "logs": False,
        },
    )
    app.add_exception_handler(Problem, problems.on_problem)
    app.add_exception_handler(RequestValidationError, problems.on_invalid_request)
    app.add_exception_handler(HTTPException, problems.on_http_exception)
    for kind in UNAVAILABLE:
        app.add_exception_handler(kind, _on_unavailable)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    app.add_exception_handler(Exception, _on_error)
    app.add_middleware(Gone)
    app.add_middleware(_Limits)
    app.add_middleware(_Observed)
    if provider is None:
        app.add_middleware(telemetry.Identified)
    _add_probes(app, readiness)
    return app


class _Documented(FastAPI):
    """Says in its document that callers bring bearer tokens; who calls is verified route by route.

    By hand: what FastAPI documents so it also asks in each request, for longer than a token's verification.
    """

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            document = super().openapi()
            schemes = document.setdefault("components", {}).setdefault("securitySchemes", {})
            schemes[_BEARER] = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            for path in document["paths"].values():
                for operation in path.values():
                    operation["security"] = [{_BEARER: []}]
        return super().openapi()


_BEARER = "HTTPBearer"


class RateLimit:
    """At most so many requests of each person in a second of the clock, in this process.

    By hand: a library's expiry of what it remembers took longer than a whole request.
    """

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._second = 0
        self._spent: Counter[str] = Counter()

    def spend(self, person_id: str) -> None:
        """Count one request; ``Problem`` 429 when there were too many."""
        second = int(time.monotonic())
        if second != self._second:
            self._second = second
            self._spent.clear()
        self._spent[person_id] += 1
        if self._spent[person_id] > self._per_second:
            raise Problem(
                429, "too-many-requests", "Too many requests in one second.", headers={"Retry-After": "1"}
            )


def _add_probes(app: FastAPI, readiness: Readiness) -> None:
    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> PlainTextResponse:
        return PlainTextResponse("ok")

    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> JSONResponse:
        missing = readiness.missing
        said = {"remarks": readiness.remarks} if readiness.remarks else {}
        return JSONResponse({"ready": not missing, "missing": missing, **said}, 503 if missing else 200)

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        READY.set(not readiness.missing)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _on_unavailable(_request: Request, error: Exception) -> JSONResponse:
    log.warning("database unavailable", error=type(error).__name__)
    detail = str(error) if isinstance(error, PutBack) else "The database cannot be reached."
    return problems.unavailable(detail).response()


async def _on_disconnect(_request: Request, _error: Exception) -> Response:
    """Who hangs up in the middle of a body is no error of ours, and has nobody to read an answer."""
    return Response(status_code=499)  # nginx's number for it, for the metrics


async def _on_error(request: Request, error: Exception) -> JSONResponse:
    log.error("request failed", path=request.scope.get("path"), exc_info=error)
    return Problem(500, "internal", "Something went wrong here; it is recorded.").response()


class _Limits:
    """Refuses bodies over the limit, whether or not they say how long they are."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        seen = 0
        length = dict(scope["headers"]).get(b"content-length", b"0")

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > BODY_LIMIT_BYTES:
                # FastAPI lets this pass when it reads a body; of anything else it makes a 400.
                raise HTTPException(413, _TOO_LARGE.detail, _TOO_LARGE.headers)
            return message

        if length.isdigit() and int(length) > BODY_LIMIT_BYTES:
            await _TOO_LARGE.response()(scope, receive, send)
            return
        await self._app(scope, counted, send)


_TOO_LARGE = Problem(413, "too-large", f"At most {BODY_LIMIT_BYTES} bytes.", headers={"Connection": "close"})


class _Observed:
    """A measurement for each request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            route = scope.get("route")
            REQUEST_SECONDS.labels(scope["method"], getattr(route, "path", "unknown"), str(status)).observe(
                time.perf_counter() - started
            )
