"""The pages of administrators: what the ITSM says; their scripts save by publishing the fact anew."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import RedirectResponse
from relato_contracts.fields import Id
from relato_contracts.itsm import Kind
from relato_runtime.database import Pool
from relato_runtime.mail_templates import VARIABLES
from relato_runtime.problems import Problem

from portal_query import administration_view as view
from portal_query import read_administration as read
from portal_query.http import CursorText, Portal, not_found
from portal_query.pages import administered
from portal_query.pages.reader import Reader, Readers
from portal_query.pages.render import Pages
from portal_query.parameters import PARAMETERS

_CHOSEN: dict[str, Kind] = {"template": "email-templates", "category": "categories", "origin": "origins"}
"""What a parameter's value is chosen from, by its control."""


def routes(portal: Portal, pages: Pages, readers: Readers, pool: Pool) -> APIRouter:
    """The pages below ``/admin``; ``pool`` is of the role that reads for executors."""
    router = APIRouter(include_in_schema=False)

    async def administrator(reader: Annotated[Reader, Depends(readers.of)]) -> Reader:
        if not reader.is_administrator:
            raise Problem(403, "not-permitted", "Only administrators see how Relato is set up.")
        return reader

    Who = Annotated[Reader, Depends(administrator)]

    @router.get("/admin")
    async def first(_reader: Who) -> Response:
        return RedirectResponse("/admin/parameters", 303)

    @router.get("/admin/parameters")
    async def parameters(request: Request, reader: Who) -> Response:
        rows = await read.parameters(pool)
        return pages.page(
            request,
            reader,
            "admin/parameters.html",
            parameters=view.parameters(list(rows)),
            known=PARAMETERS,
            choices={control: await read.choices(pool, kind) for control, kind in _CHOSEN.items()},
        )

    @router.get("/admin/email-templates")
    async def templates(request: Request, reader: Who, cursor: CursorText = None) -> Response:
        found = await administered.found(portal, pool, "email-templates", None, cursor)
        return pages.page(request, reader, "admin/templates.html", found=found)

    @router.get("/admin/email-templates/{template_id}")
    async def template(request: Request, reader: Who, template_id: Annotated[Id, Path()]) -> Response:
        row = await read.one(pool, "email-templates", template_id)
        if row is None:
            raise not_found()
        return template_form(request, reader, view.entity("email-templates", row, whole=True))

    @router.get("/admin/new/email-templates")
    async def new_template(request: Request, reader: Who) -> Response:
        return template_form(request, reader, None)

    def template_form(request: Request, reader: Reader, it: Mapping[str, object] | None) -> Response:
        return pages.page(request, reader, "admin/template.html", template=it, variables=VARIABLES)

    router.include_router(administered.routes(portal, pages, administrator, pool))
    return router
