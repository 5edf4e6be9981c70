"""Traces from a request to records, rows and mails that follow from it (W3C Trace Context, OpenTelemetry)."""

import os
import time
from collections.abc import Mapping

from opentelemetry import propagate, trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from opentelemetry.trace import SpanKind, Status, StatusCode

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""OpenTelemetry's own settings, as are those of sampling, batches and headers."""
_collecting: TracerProvider | None = None


def tracing(service: str) -> TracerProvider:
    """What makes a service's spans; they have ids even where nobody collects them.

    Where a collector is named they go there; elsewhere nothing is kept, and nobody is called.
    """
    global _collecting  # noqa: PLW0603  # one a process, as OpenTelemetry has it
    resource = Resource.create({"service.name": service})
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        return TracerProvider(sampler=ParentBased(ALWAYS_OFF), resource=resource)
    # Only here: where nobody collects, its libraries would cost memory for nothing.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _collecting = provider
    return provider


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
    """The current span as a ``traceparent`` header, if there is one."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get("traceparent")
