"""The one OpenAPI document of the operators' API, which several services answer; a test compares it."""

from importlib.resources import files

from fastapi import APIRouter, Response

_DOCUMENT = files("portal_query").joinpath("operators.openapi.json").read_bytes()


def routes() -> APIRouter:
    """The route of the document."""
    router = APIRouter(include_in_schema=False)

    @router.get("/api/operate/openapi.json")
    async def document() -> Response:
        return Response(_DOCUMENT, media_type="application/json")

    return router
