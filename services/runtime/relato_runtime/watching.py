"""What operators see of a process as it runs: what it lacks, and what Prometheus reads of it."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Depends
from prometheus_client import REGISTRY
from pydantic import BaseModel

from relato_runtime.caller import Caller
from relato_runtime.operators_http import Operator, problems
from relato_runtime.readiness import Readiness

_OURS = "relato_"


class Sample(BaseModel):
    """One measurement, as ``/metrics`` has it."""

    name: str
    labels: dict[str, str]
    value: float


class Watched(BaseModel):
    """One process of a service; of several, whichever the front door chose."""

    service: str
    instance: str
    """Tells its processes apart."""
    started_at: datetime
    at: datetime
    ready: bool
    missing: dict[str, str]
    """Each part that is not ready, and why."""
    remarks: dict[str, str]
    """What else people are to know, such as that sending was stopped."""
    samples: list[Sample]


def routes(service: str, readiness: Readiness, who: Operator) -> APIRouter:
    """The route ``/api/operate/services/{service}``."""
    router = APIRouter(prefix=f"/api/operate/services/{service}", tags=["services"])
    instance, started_at = uuid4().hex[:8], datetime.now(UTC)

    @router.get("", responses=problems(401, 403, 429, 503))
    async def watch(_who: Annotated[Caller, Depends(who)]) -> Watched:
        """What this process lacks, and its measurements."""
        missing = readiness.missing
        return Watched(
            service=service,
            instance=instance,
            started_at=started_at,
            at=datetime.now(UTC),
            ready=not missing,
            missing=missing,
            remarks=readiness.remarks,
            samples=list(_samples()),
        )

    return router


def _samples() -> Iterable[Sample]:
    for metric in REGISTRY.collect():
        if metric.name.startswith(_OURS):
            for each in metric.samples:
                if not each.name.endswith(("_bucket", "_created")):
                    yield Sample(name=each.name, labels=each.labels, value=each.value)
