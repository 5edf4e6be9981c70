"""Lists and forms of what the ITSM says: categories, origins, groups, people and tickets."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from relato_contracts.fields import Id
from relato_contracts.itsm import Kind
from relato_runtime.database import Pool

from portal_query import administration_view as view
from portal_query import read_administration as read
from portal_query.http import PAGE, CursorText, Portal, Search, not_found, page
from portal_query.pages.reader import Reader
from portal_query.pages.render import Pages

KEYS: Mapping[Kind, str] = {
    "categories": "category_id",
    "origins": "origin_id",
    "groups": "group_id",
    "people": "person_id",
    "tickets": "ticket_id",
}
"""The kinds that are here, and what their ids are called in their facts."""


async def found(
    portal: Portal, pool: Pool, kind: Kind, q: str | None, cursor: str | None
) -> dict[str, object]:
    """A page of a list by name, of tickets the latest first, and where it goes on."""
    of, after = f"admin page {kind}", None
    if cursor is not None:
        place, entity_id = portal.cursors.read(of, cursor)
        by_time = kind == "tickets"
        after = (datetime.fromisoformat(str(place)) if by_time else str(place), str(entity_id))
    rows = await read.listed(pool, kind, after, (q or "").strip() or None, PAGE + 1)
    shown = [view.entity(kind, row, whole=False) for row in rows]
    return page(portal.cursors, of, shown, lambda n: (rows[n]["place"], rows[n]["id"]))


def routes(
    portal: Portal, pages: Pages, administrator: Callable[..., Awaitable[Reader]], pool: Pool
) -> APIRouter:
    """The pages of each kind; ``administrator`` is the dependency that lets in nobody else."""
    router = APIRouter(include_in_schema=False)
    Who = Annotated[Reader, Depends(administrator)]

    def add(kind: Kind, key: str) -> None:
        @router.get(f"/admin/{kind}")
        async def listed(
            request: Request, reader: Who, q: Search = None, cursor: CursorText = None
        ) -> Response:
            shown = await found(portal, pool, kind, q, cursor)
            return pages.page(
                request, reader, "admin/entities.html", kind=kind, key=key, q=q or "", found=shown
            )

        @router.get(f"/admin/new/{kind}")
        async def new(request: Request, reader: Who) -> Response:
            return await form(request, reader, None)

        @router.get(f"/admin/{kind}/{{entity_id}}")
        async def one(request: Request, reader: Who, entity_id: Annotated[Id, Path()]) -> Response:
            row = await read.one(pool, kind, entity_id)
            if row is None:
                raise not_found()
            return await form(request, reader, view.entity(kind, row, whole=True))

        async def form(request: Request, reader: Reader, it: Mapping[str, object] | None) -> Response:
            groups = await read.choices(pool, "groups") if kind in {"tickets", "groups"} else ()
            template = "admin/group.html" if kind == "groups" else "admin/entity.html"
            return pages.page(request, reader, template, kind=kind, key=key, it=it, groups=groups)

    for kind, key in KEYS.items():
        add(kind, key)
    return router
