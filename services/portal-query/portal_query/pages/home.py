"""Where one comes in: the login's page, and the address that leads each to their own part."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from portal_query.login import local
from portal_query.pages.reader import Reader, Readers, stranger
from portal_query.pages.render import Pages


def login(pages: Pages) -> APIRouter:
    """The page before the issuer's."""
    router = APIRouter(include_in_schema=False)

    @router.get("/login")
    async def entrance(request: Request) -> Response:
        address = local(request.query_params.get("next"))
        ended = "ended" in request.query_params
        return pages.page(request, stranger(request), "login.html", address=address, ended=ended)

    return router


def home(readers: Readers) -> APIRouter:
    """The first page of whoever it is."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def first(reader: Annotated[Reader, Depends(readers.of)]) -> Response:
        theirs = {"/desk": reader.has_desk, "/admin": reader.is_administrator, "/ops": reader.is_operator}
        return RedirectResponse(next((each for each, has in theirs.items() if has), "/portal"), 303)

    return router
