"""Where browsers come in, by way of the issuer, and where they go out."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from posixpath import normpath
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from relato_runtime.problems import Problem, unauthenticated

from portal_query.browser import Cookie, refuse_other_sites, uncached
from portal_query.issuer import Attempt, Issuer, LoginFailed
from portal_query.sessions import Sessions
from portal_query.settings import PortalSettings

log = structlog.get_logger(__name__)

_HOME = "/"
_ATTEMPTS = "logins"
_SIMULTANEOUS = 4
"""Logins that may be under way in one browser: its tabs, which share a cookie, ask all at once."""
_ADDRESS_LIMIT = 1_500
_COOKIE_LIMIT = 2_600
"""Bytes of JSON, of which base64 makes a third more; browsers keep 4,096 of a cookie (RFC 6265 §6.1)."""


def routes(settings: PortalSettings, issuer: Issuer, sessions: Sessions) -> APIRouter:
    """The routes of sessions; they expect ``SessionMiddleware`` for logins under way."""
    router = APIRouter(include_in_schema=False)
    cookie = Cookie(settings)

    @router.get("/login/start")
    async def start(request: Request) -> Response:
        """Begin at the issuer; the browser comes back to /callback and then goes where it wanted to."""
        url, attempt = await issuer.begin()
        under_way = request.session.get(_ATTEMPTS, [])
        begun = {**asdict(attempt), "next": local(request.query_params.get("next"))}
        request.session[_ATTEMPTS] = _latest([*under_way, begun])
        return uncached(RedirectResponse(url, 303))

    @router.get("/callback")
    async def callback(request: Request) -> Response:
        """The issuer has sent a browser back: a session begins."""
        answer = request.query_params
        under_way = request.session.get(_ATTEMPTS, [])
        begun = next((each for each in under_way if each["state"] == answer.get("state")), None)
        if begun is None:
            raise _failed("This login was not begun in this browser, or too long ago.")
        request.session[_ATTEMPTS] = [each for each in under_way if each is not begun]
        attempt = Attempt(begun["state"], begun["nonce"], begun["code_verifier"])
        try:
            if "code" not in answer:
                raise LoginFailed(answer.get("error", "there is no code")[:100])
            person_id, tokens = await issuer.finish(answer["code"], attempt, issuer=answer.get("iss"))
        except LoginFailed as error:
            log.info("login failed", reason=str(error))
            raise _failed(f"The issuer did not say who this is: {error}.") from error
        session_id = await sessions.begin(person_id, tokens, instead_of=cookie.of(request))
        log.info("session began", person_id=person_id)
        response = RedirectResponse(begun["next"], 303)
        cookie.put(response, session_id)
        return uncached(response)

    @router.get("/session/person")
    async def person(request: Request) -> Response:
        """Whose session this browser has, for its open pages; 401 when it has ended."""
        session_id = cookie.of(request)
        person_id = await sessions.person(session_id) if session_id else None
        if person_id is None:
            return uncached(unauthenticated("The session has ended.").response())
        return uncached(JSONResponse({"person_id": person_id}))

    @router.post("/logout")
    async def logout(request: Request, everywhere: bool = False) -> Response:
        """End the session; with ``everywhere``, all sessions of the same person.

        A page goes on to the issuer where that has sessions of its own to end, and comes back to /login.
        """
        refuse_other_sites(settings, request.method, request.headers)
        session_id = cookie.of(request)
        ended = await sessions.end(session_id, everywhere=everywhere) if session_id else None
        response: Response
        if "text/html" in request.headers.get("accept", ""):
            response = RedirectResponse((ended and await issuer.farewell(ended)) or "/login", 303)
        else:
            response = Response(status_code=204)
        cookie.remove(response)
        return uncached(response)

    return router


def local(address: str | None) -> str:
    """An address of this origin that a browser may be sent to after its login; / for any other.

    Of one that is too long to be kept until then, its path.
    """
    if address and _too_long(address):
        address = address.partition("?")[0]
    if not address or not address.startswith("/") or _too_long(address) or not address.isprintable():
        return _HOME
    # Browsers read a backslash as a slash, and two slashes as another host (WHATWG URL §4.4).
    if "\\" in address or address.startswith("//") or " " in address:
        return _HOME
    path = normpath(urlsplit(address).path)
    ours = path in {"/login", "/callback", "/logout"} or path.startswith(("/session/", "/login/"))
    return _HOME if ours else address


def _too_long(address: str) -> bool:
    return len(json.dumps(address)) > _ADDRESS_LIMIT


def _latest(attempts: Sequence[dict[str, str]]) -> Sequence[dict[str, str]]:
    """The latest logins, as many as their cookie holds."""
    latest = attempts[-_SIMULTANEOUS:]
    while len(latest) > 1 and len(json.dumps(latest)) > _COOKIE_LIMIT:
        latest = latest[1:]
    return latest


def _failed(detail: str) -> Problem:
    return Problem(400, "login-failed", f"{detail} Begin again at /login.")
