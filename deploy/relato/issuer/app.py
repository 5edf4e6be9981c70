"""OpenID Connect for one client: authorisation code with PKCE, and a page on which to choose a person."""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote, urlencode

from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.middleware.trustedhost import TrustedHostMiddleware

from relato.errors import StackError
from relato.issuer import keys, people
from relato.issuer.settings import IssuerSettings

_CODE_SECONDS = 60.0
_ASKED = ("client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "code_challenge")
_templates = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")), autoescape=True, undefined=StrictUndefined
)


@dataclass(frozen=True, slots=True)
class _Grant:
    """What a code stands for until it is exchanged, once."""

    person: people.Person
    challenge: str
    nonce: str
    until: float


class _Refused(Exception):
    """An error of OAuth 2.0 (RFC 6749 §5.2)."""

    def __init__(self, code: str, detail: str, status: int = 400) -> None:
        super().__init__(detail)
        self.code, self.status = code, status


def create_app(settings: IssuerSettings) -> FastAPI:
    """The issuer, with its key loaded or made."""
    app = FastAPI(title="Relato local issuer", openapi_url=None, docs_url=None, redoc_url=None)
    # Another site's name that is made to point here gets nothing.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "[::1]"])
    app.add_exception_handler(_Refused, _on_refused)
    app.add_exception_handler(StackError, _on_trouble)
    _add_documents(app, settings)
    _add_authorization(app, settings)
    return app


def _add_documents(app: FastAPI, settings: IssuerSettings) -> None:
    issuer = settings.oidc_issuer
    public = keys.key(settings.home / "secrets").as_dict(private=False)

    @app.get("/.well-known/openid-configuration")
    async def discovery() -> JSONResponse:
        return JSONResponse(
            {
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}/authorize",
                "token_endpoint": f"{issuer}/token",
                "jwks_uri": f"{issuer}/jwks",
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "grant_types_supported": ["authorization_code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [keys.ALGORITHM],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
                "code_challenge_methods_supported": ["S256"],
                "scopes_supported": ["openid", "profile"],
                "claims_supported": ["iss", "aud", "sub", "exp", "iat", "nonce", "name", "roles"],
                "authorization_response_iss_parameter_supported": True,
            }
        )

    @app.get("/jwks")
    async def jwks() -> JSONResponse:
        return JSONResponse({"keys": [{**public, "use": "sig", "alg": keys.ALGORITHM}]})

    @app.get("/healthz")
    async def healthz() -> PlainTextResponse:
        return PlainTextResponse("ok")


def _add_authorization(app: FastAPI, settings: IssuerSettings) -> None:
    database = settings.admin_database_url.get_secret_value()
    signing_key = keys.key(settings.home / "secrets")
    grants: dict[str, _Grant] = {}

    @app.get("/authorize")
    async def choose(request: Request) -> Response:
        asked = {name: request.query_params.get(name, "") for name in _ASKED}
        _check_client(settings, asked)
        if problem := _problem(asked, request.query_params.get("code_challenge_method", "")):
            return _back(settings, asked, error=problem[0], error_description=problem[1])
        page = _templates.get_template("choose.html.j2").render(
            people=await people.everyone(database), asked=asked
        )
        headers = {
            "Cache-Control": "no-store",
            "Content-Security-Policy": _PAGE_POLICY,
            "X-Frame-Options": "DENY",
        }
        return HTMLResponse(page, headers=headers)

    @app.post("/authorize")
    async def chosen(request: Request) -> Response:
        form = await request.form()
        asked = {name: str(form.get(name, "")) for name in _ASKED}
        _check_client(settings, asked)
        if problem := _problem(asked, "S256"):
            return _back(settings, asked, error=problem[0], error_description=problem[1])
        person = await people.one(database, str(form.get("person_id", "")))
        if person is None or not person.active:
            return _back(settings, asked, error="access_denied", error_description="There is no such person.")
        now = time.monotonic()
        for code in [code for code, grant in grants.items() if grant.until < now]:
            del grants[code]
        code = secrets.token_urlsafe(32)
        grants[code] = _Grant(person, asked["code_challenge"], asked["nonce"], now + _CODE_SECONDS)
        return _back(settings, asked, code=code)

    @app.post("/token")
    async def token(  # noqa: PLR0917  # one for each field of the form
        request: Request,
        grant_type: Annotated[str, Form()] = "",
        code: Annotated[str, Form()] = "",
        redirect_uri: Annotated[str, Form()] = "",
        code_verifier: Annotated[str, Form()] = "",
        client_id: Annotated[str, Form()] = "",
        client_secret: Annotated[str, Form()] = "",
    ) -> JSONResponse:
        basic = _basic(request.headers.get("authorization", ""))
        _authenticate(settings, *(basic or (client_id, client_secret)))
        if grant_type != "authorization_code":
            raise _Refused("unsupported_grant_type", "Only authorization_code is offered.")
        grant = grants.pop(code, None)
        if (
            grant is None
            or grant.until < time.monotonic()
            or redirect_uri != settings.redirect_uri
            or not hmac.compare_digest(_challenge(code_verifier), grant.challenge)
        ):
            raise _Refused("invalid_grant", "The code does not count, or no longer.")
        about = _about(settings, grant.person)
        issuer, person_id = settings.oidc_issuer, grant.person.person_id
        nonce = {"nonce": grant.nonce} if grant.nonce else {}
        return JSONResponse(
            {
                "access_token": keys.sign(signing_key, issuer, keys.AUDIENCE, person_id, about),
                "id_token": keys.sign(
                    signing_key, issuer, settings.oidc_client_id, person_id, {**about, **nonce}
                ),
                "token_type": "Bearer",
                "expires_in": keys.TOKEN_SECONDS,
                "scope": "openid",
            },
            headers={"Cache-Control": "no-store"},
        )


# Nothing from elsewhere, no script; the form's answer redirects to the client, which is of the same origin.
_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"


def _about(settings: IssuerSettings, person: people.Person) -> dict[str, str | list[str] | int]:
    return {"name": person.name, "roles": people.roles(settings.home, person.person_id)}


def _check_client(settings: IssuerSettings, asked: Mapping[str, str]) -> None:
    """Refuse here what must not be redirected (RFC 6749 §4.1.2.1)."""
    if asked["client_id"] != settings.oidc_client_id:
        raise _Refused("invalid_client", "This client is not known.")
    if asked["redirect_uri"] != settings.redirect_uri:
        raise _Refused("invalid_request", "This redirect_uri is not registered.")


def _problem(asked: Mapping[str, str], method: str) -> tuple[str, str] | None:
    if asked["response_type"] != "code":
        return "unsupported_response_type", "Only code is offered."
    if "openid" not in asked["scope"].split():
        return "invalid_scope", "The scope openid is needed."
    if not asked["code_challenge"] or method != "S256":
        return "invalid_request", "PKCE with S256 is needed (RFC 7636)."
    return None


def _back(settings: IssuerSettings, asked: Mapping[str, str], **answer: str) -> RedirectResponse:
    state = {"state": asked["state"]} if asked["state"] else {}
    query = urlencode({**answer, **state, "iss": settings.oidc_issuer})  # iss: RFC 9207
    return RedirectResponse(f"{settings.redirect_uri}?{query}", status_code=303)


def _authenticate(settings: IssuerSettings, client_id: str, client_secret: str) -> None:
    expected = settings.oidc_client_secret.get_secret_value()
    known = client_id == settings.oidc_client_id
    if not (hmac.compare_digest(client_secret.encode(), expected.encode()) and known):
        raise _Refused("invalid_client", "The client cannot be authenticated.", status=401)


def _basic(header: str) -> tuple[str, str] | None:
    """The client of an Authorization header (RFC 6749 §2.3.1)."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError as error:
        raise _Refused("invalid_client", "The Authorization header cannot be read.", status=401) from error
    return unquote(name), unquote(secret)


def _challenge(verifier: str) -> str:
    """RFC 7636 §4.2."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


async def _on_refused(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, _Refused)
    headers = {"Cache-Control": "no-store"}
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="relato-issuer"'
    return JSONResponse({"error": error.code, "error_description": str(error)}, error.status, headers=headers)


async def _on_trouble(_request: Request, error: Exception) -> HTMLResponse:
    page = _templates.get_template("trouble.html.j2").render(reason=str(error))
    return HTMLResponse(page, 503, headers={"Retry-After": "2"})
