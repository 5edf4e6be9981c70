"""Trace context from a request to the records that follow from it (W3C Trace Context)."""

from opentelemetry import propagate
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased


def tracing(service: str) -> TracerProvider:
    """What makes a service's spans; they have ids even where nobody collects them.

    Only where a caller's trace is collected does a span hold more than its ids.
    """
    return TracerProvider(
        sampler=ParentBased(ALWAYS_OFF), resource=Resource.create({"service.name": service})
    )


def trace_id(traceparent: str | None) -> str | None:
    """The trace that a ``traceparent`` belongs to (W3C Trace Context §3.2.2.3)."""
    return traceparent.split("-")[1] if traceparent and traceparent.count("-") >= 3 else None


def current_traceparent() -> str | None:
    """The current span as a ``traceparent`` header, if there is one."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get("traceparent")
