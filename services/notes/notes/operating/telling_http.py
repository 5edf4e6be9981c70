"""The operators' routes that tell what the log says."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, StringConstraints
from relato_contracts.fields import Id
from relato_runtime.caller import Caller
from relato_runtime.database import Pool
from relato_runtime.operations import Operation
from relato_runtime.operators_http import Operator, Why, problems
from relato_runtime.settings import ServiceSettings

from notes import latest
from notes.operating import exporting
from notes.operating.replays import Choice

_Type = Annotated[str, StringConstraints(max_length=100, pattern=r"^[A-Za-z0-9.]+$")]
_NDJSON: dict[int | str, dict[str, Any]] = {200: {"content": {"application/x-ndjson": {}}}}


class Latest(BaseModel):
    """What was recorded last."""

    items: list[dict[str, Any]]
    """CloudEvents as JSON; of a type those among the last ten thousand."""


def routes(settings: ServiceSettings, pool: Pool, operator: Operator) -> APIRouter:
    """The routes below ``/api/operate/events``."""
    router = APIRouter(prefix="/api/operate/events", tags=["events"])
    Who = Annotated[Caller, Depends(operator)]

    @router.get("/export", responses=problems(401, 403, 422, 429, 503) | _NDJSON)
    async def export(who: Who, ticket_id: Id | None = None, reason: Why = "") -> StreamingResponse:
        """The log as CloudEvents in JSON, one a line: all of it, or one ticket's. It is in the audit."""
        choice = Choice(ticket_id)
        number = await exporting.begin(pool, Operation("events", "export", who, reason, False), choice)
        name = f"relato-{ticket_id or 'events'}.ndjson"
        return StreamingResponse(
            exporting.lines(settings, choice),
            media_type="application/x-ndjson",
            headers={exporting.EVENTS: str(number), "Content-Disposition": f'attachment; filename="{name}"'},
        )

    @router.get("/latest", responses=problems(401, 403, 422, 429, 503))
    async def latest_events(
        _who: Who, ticket_id: Id | None = None, type_: Annotated[_Type | None, Query(alias="type")] = None
    ) -> Latest:
        """The last hundred events that were recorded, the last one first, for whoever watches."""
        async with pool.acquire() as connection:
            return Latest(items=await latest.latest(connection, ticket_id, type_))

    return router
