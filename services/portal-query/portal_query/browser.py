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

    Every browser says where a request comes from: by ``Sec-Fetch-Site``, or else by ``Origin``
    wherever it may matter. Without either, no page has sent it.
    """
    if method in _SAFE:
        return
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        same = site in {"same-origin", "none"}
    else:
        same = origin is None or origin == settings.public_url
    if not same:
        raise Problem(403, "cross-site", "A page of another site may not do this.")


def uncached(response: Response) -> Response:
    """An answer that nobody keeps."""
    response.headers["Cache-Control"] = "no-store"
    return response
