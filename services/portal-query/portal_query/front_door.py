"""What the front door asks about each request that carries a session's cookie."""

from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from relato_runtime.problems import Problem, unauthenticated

from portal_query.browser import Cookie, refuse_other_sites, uncached
from portal_query.issuer import Issuer
from portal_query.login import local
from portal_query.sessions import OtherPerson, Sessions
from portal_query.settings import PortalSettings


def routes(settings: PortalSettings, issuer: Issuer, sessions: Sessions) -> APIRouter:
    """The route of Caddy's ``forward_auth``; the front door lets nobody else ask it."""
    router = APIRouter(include_in_schema=False)
    cookie = Cookie(settings)

    @router.get("/session/authorize")
    async def authorize(request: Request) -> Response:
        """What the front door asks: the bearer token for a request with this cookie, or the refusal."""
        headers = request.headers
        method = headers.get("x-forwarded-method", "GET").upper()
        address = headers.get("x-forwarded-uri", "")
        refuse_other_sites(settings, method, headers)
        authorized = None
        if session_id := cookie.of(request):
            active, person_id = not automatic(method, address), headers.get("relato-person")
            try:
                authorized = await sessions.authorize(
                    session_id, active=active, refresh=issuer.refresh, person_id=person_id
                )
            except OtherPerson:
                problem = Problem(409, "other-person", "Somebody else has logged in since.")
                return uncached(problem.response())
        response: Response
        if authorized is not None:
            bearer = f"Bearer {authorized.access_token}"
            response = Response(status_code=204, headers={"Authorization": bearer})
            if authorized.rotated is not None:
                cookie.put(response, authorized.rotated)
            return uncached(response)
        if method == "GET" and "text/html" in headers.get("accept", "") and not address.startswith("/api/"):
            ended = "&ended=1" if session_id else ""
            response = RedirectResponse(f"/login?next={quote(local(address))}{ended}", 303)
        else:
            response = unauthenticated("The session has ended.").response()
        cookie.remove(response)
        return uncached(response)

    return router


def automatic(method: str, address: str) -> bool:
    """Whether pages ask this by themselves, with nobody before them: no session lasts longer for it."""
    path = urlsplit(address).path
    return path.endswith(_BY_THEMSELVES) or (method == "GET" and path.startswith("/api/operate/"))


_BY_THEMSELVES = ("/stream", "/presence", "/head", "/those", "/views", "/chat/read")
