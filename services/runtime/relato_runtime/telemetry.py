"""Trace context from a request to the records that follow from it (W3C Trace Context)."""

from opentelemetry import propagate, trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

tracer = trace.get_tracer("relato")


def configure(service: str) -> None:
    """Give this process a tracer, so that spans have ids even where nobody collects them."""
    trace.set_tracer_provider(TracerProvider(resource=Resource.create({"service.name": f"relato-{service}"})))


def trace_id(traceparent: str | None) -> str | None:
    """The trace that a ``traceparent`` belongs to (W3C Trace Context §3.2.2.3)."""
    return traceparent.split("-")[1] if traceparent and traceparent.count("-") >= 3 else None


def current_traceparent() -> str | None:
    """The current span as a ``traceparent`` header, if there is one."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get("traceparent")
