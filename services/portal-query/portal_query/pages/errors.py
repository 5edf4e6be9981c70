"""Refusals for people: what programs get as a problem, a browser that asked for a page gets as one."""

from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse

from portal_query.login import local
from portal_query.pages.render import Pages

Handler = Callable[[Request, Any], Response | Awaitable[Response]]


def install(app: FastAPI, pages: Pages) -> None:
    """Wrap all of the application's handlers of errors."""
    for kind, handler in list(app.exception_handlers.items()):
        app.add_exception_handler(kind, _for_people(handler, pages))


def _for_people(handler: Handler, pages: Pages) -> Callable[[Request, Any], Awaitable[Response]]:
    async def answer(request: Request, error: Any) -> Response:
        given = handler(request, error)
        refusal = await given if isawaitable(given) else given
        assert isinstance(refusal, Response)
        if not _asks_for_page(request):
            return refusal
        if refusal.status_code == 401:
            here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/login?next={quote(local(here))}", 303)
        page = pages.error(request, refusal.status_code)
        if "retry-after" in refusal.headers:
            page.headers["Retry-After"] = refusal.headers["retry-after"]
        return page

    return answer


def _asks_for_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(
        ("/api/", "/session/", "/static/")
    )
