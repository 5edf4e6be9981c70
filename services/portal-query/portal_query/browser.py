"""What is to be heeded with browsers: a session's cookie, and pages of other sites."""

from collections.abc import Mapping

from fastapi import Request, Response
from relato_runtime.problems import Problem

from portal_query.settings import PortalSettings

_SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}  # RFC 9110 §9.2.1


class Cookie:
    """The cookie that holds a session's id; where it can be, confined to HTTPS and to this very host."""

    def __init__(self, settings: PortalSettings) -> None:
        self._name = "__Host-relato_session" if settings.https else "relato_session"
        self._secure = settings.https
        self._lasting = settings.session_hours * 3600

    def of(self, request: Request) -> str | None:
        """The session's id, if the browser has one."""
        return request.cookies.get(self._name)

    def put(self, response: Response, session_id: str) -> None:
        """Give it to the browser."""
        response.set_cookie(
            self._name,
            session_id,
            max_age=self._lasting,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )

    def remove(self, response: Response) -> None:
        """Take it back."""
        response.delete_cookie(self._name, path="/", secure=self._secure, httponly=True, samesite="lax")


def refuse_other_sites(settings: PortalSettings, method: str, headers: Mapping[str, str]) -> None:
    """A cookie comes along with what other sites make a browser send; that must not change anything.

    Every browser says where a request comes from: by ``Sec-Fetch-Site``, by ``Origin``, or by both, which
    then have to agree. Without either, no page has sent it.
    """
    if method in _SAFE:
        return
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    own = {None, settings.public_url}
    if site is not None:
        own.add("null")  # our own forms, since our pages send no referrer (Fetch §3.1)
    if site not in {None, "same-origin", "none"} or origin not in own:
        raise Problem(403, "cross-site", "A page of another site may not do this.")


def uncached(response: Response) -> Response:
    """An answer that nobody keeps."""
    response.headers["Cache-Control"] = "no-store"
    return response
