"""The pages of operators: frames, whose scripts are clients of the operators' API as the command line is."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from relato_runtime.problems import Problem

from portal_query.pages.reader import Reader, Readers
from portal_query.pages.render import Pages


def routes(pages: Pages, readers: Readers) -> APIRouter:
    """The pages below ``/ops``."""
    router = APIRouter(include_in_schema=False)

    async def operator(reader: Annotated[Reader, Depends(readers.of)]) -> Reader:
        if not reader.is_operator:
            raise Problem(403, "not-permitted", "Only operators see how Relato runs.")
        return reader

    Who = Annotated[Reader, Depends(operator)]

    @router.get("/ops")
    async def now(request: Request, reader: Who) -> Response:
        return pages.page(request, reader, "ops/now.html")

    @router.get("/ops/projections")
    async def projections(request: Request, reader: Who) -> Response:
        return pages.page(request, reader, "ops/projections.html")

    return router
