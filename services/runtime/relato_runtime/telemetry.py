"""Traces from a request to records, rows and mails that follow from it (W3C Trace Context, OpenTelemetry)."""

import os
import random
import time
from collections.abc import Mapping

from opentelemetry import context, propagate, trace
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TracerProvider,
)
from starlette.types import ASGIApp, Receive, Scope, Send

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""OpenTelemetry's own settings, as are those of sampling, batches and headers."""
_collecting: TracerProvider | None = None


def tracing(service: str) -> TracerProvider | None:
    """What makes a service's spans where a collector is named; None elsewhere: ``Identified`` is enough."""
    global _collecting  # noqa: PLW0603  # one a process, as OpenTelemetry has it
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        return None
    # Only here: where nobody collects, its libraries would cost memory for nothing.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider as Collected  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = Collected(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _collecting = provider
    return provider


class Identified:
    """Gives each request the ids of a span that nobody collects, for logs and records.

    It goes on from the caller's trace. To make a span and throw it away takes several times as long.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == b"traceparent"), None)
        span = NonRecordingSpan(_within(given))
        token = context.attach(trace.set_span_in_context(span))
        try:
            await self._app(scope, receive, send)
        finally:
            context.detach(token)


def _within(traceparent: bytes | None) -> SpanContext:
    caller = trace.INVALID_SPAN_CONTEXT
    if traceparent is not None:
        extracted = propagate.extract({"traceparent": traceparent.decode("latin-1")})
        caller = trace.get_current_span(extracted).get_span_context()
    trace_id, flags = caller.trace_id, caller.trace_flags
    if not caller.is_valid:
        trace_id, flags = random.getrandbits(128), TraceFlags.get_default()
    return SpanContext(trace_id, random.getrandbits(64), is_remote=False, trace_flags=flags)


def now() -> int:
    """When a span begins, for ``past``."""
    return time.time_ns()


def past(
    name: str,
    traceparent: str | None,
    since: int,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    failed: bool = False,
    **attributes: str | int,
) -> None:
    """A span from then until now, for a trace that is collected.

    Said afterwards, since a batch does the work of many traces at once.
    """
    if _collecting is None or traceparent is None or not traceparent.endswith("1"):
        return
    span = _collecting.get_tracer("relato").start_span(
        name,
        context=propagate.extract({"traceparent": traceparent}),
        kind=kind,
        start_time=since,
        attributes={key.replace("__", "."): value for key, value in attributes.items()},
    )
    if failed:
        span.set_status(Status(StatusCode.ERROR))
    span.end()


def collects() -> bool:
    """Whether spans go anywhere."""
    return _collecting is not None


def trace_id(traceparent: str | None) -> str | None:
    """The trace that a ``traceparent`` belongs to (W3C Trace Context §3.2.2.3)."""
    return traceparent.split("-")[1] if traceparent and traceparent.count("-") >= 3 else None


def current_ids() -> Mapping[str, str]:
    """What a log line says of the span in which it was written."""
    span = trace.get_current_span().get_span_context()
    if not span.is_valid:
        return {}
    return {"trace_id": f"{span.trace_id:032x}", "span_id": f"{span.span_id:016x}"}


def current_traceparent() -> str | None:
    """The current span as a ``traceparent`` header, if there is one (W3C Trace Context §3.2)."""
    span = trace.get_current_span().get_span_context()
    return f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}" if span.is_valid else None
