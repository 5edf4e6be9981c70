"""What browsers are told to refuse, on every answer: one list, for pages and for everything else."""

from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Pages are of this origin alone. ``data:`` is for the drawings in Tabler's own rules. A login is begun by
# a link, so that ``form-action`` need not name those to whom an issuer hands a person on; the form of
# *Sair* leads to the issuer itself, which ends its session too.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self' {issuer}; base-uri 'none'; frame-ancestors 'none'"
)


class Policy:
    """Middleware that adds the headers; that of TLS (HSTS) is the front door's, which has it."""

    def __init__(self, app: ASGIApp, *, issuer: str) -> None:
        self._app = app
        address = urlsplit(issuer)
        self._headers = {
            "Content-Security-Policy": _POLICY.format(issuer=f"{address.scheme}://{address.netloc}"),
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        await self._app(scope, receive, guarded if scope["type"] == "http" else send)
