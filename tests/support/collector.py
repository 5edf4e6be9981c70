"""A collector of traces: OTLP over HTTP, as OpenTelemetry's own takes them in, which keeps what comes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fastapi import FastAPI, Request, Response
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.serving import serving


@dataclass(frozen=True, slots=True)
class Span:
    """What a span says."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    milliseconds: float
    attributes: dict[str, str]


@dataclass
class Collector:
    """All spans that came."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)

    def of(self, trace_id: str) -> list[Span]:
        """The spans of a trace."""
        return [span for span in self.spans if span.trace_id == trace_id]

    def take(self, content: bytes) -> None:
        """What one request brings."""
        for resource in ExportTraceServiceRequest.FromString(content).resource_spans:
            about = {each.key: each.value.string_value for each in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.spans += [
                    Span(
                        about["service.name"],
                        span.name,
                        span.trace_id.hex(),
                        span.span_id.hex(),
                        span.parent_span_id.hex(),
                        (span.end_time_unix_nano - span.start_time_unix_nano) / 1e6,
                        {each.key: each.value.string_value for each in span.attributes},
                    )
                    for span in scope.spans
                ]


@asynccontextmanager
async def running_collector() -> AsyncIterator[Collector]:
    """A collector on a free port of this event loop."""
    collector = Collector()
    app = FastAPI()

    @app.post("/v1/traces")
    async def traces(request: Request) -> Response:
        collector.take(await request.body())
        return Response(media_type="application/x-protobuf")

    async with serving(app) as url:
        collector.url = url
        yield collector
