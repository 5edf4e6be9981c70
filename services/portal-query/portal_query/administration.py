"""The routes of administrators: what the ITSM says, and who last changed it.

Changing it is publishing the fact anew, which notes does (``PUT /api/notes/itsm/…``).
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from relato_contracts.fields import Id
from relato_contracts.itsm import Kind
from relato_runtime.caller import Caller
from relato_runtime.database import Pool
from relato_runtime.problems import Problem

from portal_query import administration_shapes as shapes
from portal_query import administration_view as view
from portal_query import read_administration as read
from portal_query.http import PAGE, CursorText, Portal, Search, answer, documented, page
from portal_query.parameters import PARAMETERS
from portal_query.shapes import Page

_FORBIDDEN = "Not an administrator"
_KINDS: dict[Kind, tuple[type[object], type[object]]] = {
    "email-templates": (shapes.ListedTemplate, shapes.Template),
    "categories": (shapes.Category, shapes.Category),
    "origins": (shapes.Origin, shapes.Origin),
    "groups": (shapes.ListedGroup, shapes.AdministeredGroup),
    "people": (shapes.ListedPerson, shapes.AdministeredPerson),
    "tickets": (shapes.AdministeredTicket, shapes.AdministeredTicket),
}
"""What a list of each kind holds, and what one by itself is."""


def routes(portal: Portal, pool: Pool) -> APIRouter:
    """The routes below ``/api/portal/admin``; ``pool`` is of the role that reads for executors."""
    router = APIRouter(prefix="/api/portal/admin", tags=["administration"])

    async def administrator(who: Annotated[Caller, Depends(portal.caller)]) -> Caller:
        if "administrator" not in who.roles:
            raise Problem(403, "not-permitted", "Only administrators see how Relato is set up.")
        return who

    guarded = [Depends(administrator)]

    @router.get(
        "/parameters",
        dependencies=guarded,
        **documented(Page[shapes.Parameter], status_403=_FORBIDDEN),
    )
    async def parameters(request: Request) -> Response:
        """All parameters that Relato knows, set or not, and any other that is set; always one page."""
        rows = await read.parameters(pool)
        return answer(request, {"items": view.parameters(list(rows)), "next_cursor": None})

    @router.get(
        "/parameters/{number}",
        dependencies=guarded,
        **documented(shapes.Parameter, status_403=_FORBIDDEN, status_404="No such parameter"),
    )
    async def parameter(request: Request, number: Annotated[int, Path(ge=1, le=99_999)]) -> Response:
        """One parameter; 404 when Relato does not know it and it is not set."""
        row = await read.parameter(pool, number)
        if row is None and number not in PARAMETERS:
            raise _not_found()
        return answer(request, view.parameter(number, row))

    for kind, (listed, whole) in _KINDS.items():
        name = kind.replace("-", "_")
        router.add_api_route(
            f"/{kind}",
            _listing(portal, pool, kind),
            name=f"administered_{name}",
            dependencies=guarded,
            **documented(Page[listed], status_403=_FORBIDDEN),  # type: ignore[valid-type]  # from the table
        )
        router.add_api_route(
            f"/{kind}/{{entity_id}}",
            _showing(pool, kind),
            name=f"one_of_{name}",
            dependencies=guarded,
            **documented(whole, status_403=_FORBIDDEN, status_404="There is none by that id"),
        )
    return router


def _listing(portal: Portal, pool: Pool, kind: Kind) -> Callable[..., Awaitable[Response]]:
    of = f"admin {kind}"

    async def listing(request: Request, q: Search = None, cursor: CursorText = None) -> Response:
        """By name, or of tickets the latest first; ``q`` searches names, ids, addresses and titles."""
        after = None
        if cursor is not None:
            place, entity_id = portal.cursors.read(of, cursor)
            sorted_by = datetime.fromisoformat(str(place)) if kind == "tickets" else str(place)
            after = (sorted_by, str(entity_id))
        rows = await read.listed(pool, kind, after, (q or "").strip() or None, PAGE + 1)
        found = [view.entity(kind, row, whole=False) for row in rows]
        return answer(request, page(portal.cursors, of, found, lambda n: (rows[n]["place"], rows[n]["id"])))

    return listing


def _showing(pool: Pool, kind: Kind) -> Callable[..., Awaitable[Response]]:
    async def showing(request: Request, entity_id: Annotated[Id, Path()]) -> Response:
        """One by its id, with all that is known of it."""
        row = await read.one(pool, kind, entity_id)
        if row is None:
            raise _not_found()
        return answer(request, view.entity(kind, row, whole=True))

    return showing


def _not_found() -> Problem:
    return Problem(404, "not-found", "There is none by that id.")
