"""The pages of operators: frames, whose scripts are clients of the operators' API as the command line is."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from relato_runtime.problems import Problem

from portal_query.pages.reader import Reader, Readers
from portal_query.pages.render import Pages

_PARTS = {
    "/ops": "now",
    "/ops/projections": "projections",
    "/ops/dead-letters": "dead-letters",
    "/ops/audit": "audit",
}


def routes(pages: Pages, readers: Readers) -> APIRouter:
    """The pages below ``/ops``."""
    router = APIRouter(include_in_schema=False)

    async def operator(reader: Annotated[Reader, Depends(readers.of)]) -> Reader:
        if not reader.is_operator:
            raise Problem(403, "not-permitted", "Only operators see how Relato runs.")
        return reader

    def add(path: str, template: str) -> None:
        @router.get(path)
        async def part(request: Request, reader: Annotated[Reader, Depends(operator)]) -> Response:
            return pages.page(request, reader, template)

    for path, template in _PARTS.items():
        add(path, f"ops/{template}.html")
    return router
