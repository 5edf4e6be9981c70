"""Errors as other programs read them: problem details (RFC 9457)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from relato_runtime.field_errors import FieldError, pointer

TYPE_PREFIX = "https://relato.dev/problems/"
_STATUS_CODES = {
    400: "malformed",
    404: "not-found",
    405: "method-not-allowed",
    406: "not-acceptable",
    413: "too-large",
    415: "unsupported-media-type",
}


@dataclass
class Problem(Exception):
    """An answer that is an error; ``code`` is the last segment of its stable type."""

    status: int
    code: str
    detail: str = ""
    errors: Sequence[FieldError] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> JSONResponse:
        """The problem as an HTTP answer."""
        body: dict[str, object] = {
            "type": TYPE_PREFIX + self.code,
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
        }
        if self.detail:
            body["detail"] = self.detail
        if self.errors:
            body["errors"] = [each.shape() for each in self.errors]
        return JSONResponse(
            body, self.status, headers=dict(self.headers), media_type="application/problem+json"
        )


def unauthenticated(detail: str) -> Problem:
    """401: no token, or none that counts (RFC 6750 §3)."""
    return Problem(401, "unauthenticated", detail, headers={"WWW-Authenticate": 'Bearer realm="relato"'})


def unavailable(detail: str, *, retry_after: int = 1, code: str = "unavailable") -> Problem:
    """503: it may work again in ``retry_after`` seconds."""
    return Problem(503, code, detail, headers={"Retry-After": str(retry_after)})


def invalid(*errors: FieldError) -> Problem:
    """422: what was sent cannot be taken; one entry for each field."""
    return Problem(422, "invalid", "The request is not valid.", errors=errors)


async def on_problem(_request: Request, problem: Exception) -> JSONResponse:
    """FastAPI's handler for ``Problem``."""
    assert isinstance(problem, Problem)
    return problem.response()


async def on_invalid_request(_request: Request, error: Exception) -> JSONResponse:
    """FastAPI's handler for requests that do not fit their model."""
    assert isinstance(error, RequestValidationError)
    return invalid(*(_field_error(each) for each in error.errors())).response()


async def on_http_exception(request: Request, error: Exception) -> JSONResponse:
    """FastAPI's handler for what the framework itself refuses (404, 405 …)."""
    assert isinstance(error, HTTPException)
    code = _STATUS_CODES.get(error.status_code, "refused")
    headers = dict(error.headers or {})
    if error.status_code == 405 and (allowed := _methods(request)):
        headers["Allow"] = allowed
    return Problem(error.status_code, code, str(error.detail), headers=headers).response()


def _methods(request: Request) -> str:
    """All methods of an address (RFC 9110 §15.5.6); the framework names those of its first route alone."""
    paths: Mapping[str, Mapping[str, object]] = request.app.openapi()["paths"]
    asked = request.scope["path"]
    # An address of its own is not also one of those that a pattern stands for.
    mine = (
        [paths[asked]]
        if asked in paths
        else [item for path, item in paths.items() if compile_path(path)[0].match(asked)]
    )
    return ", ".join(sorted(method.upper() for item in mine for method in item))


def _field_error(error: Mapping[str, Any]) -> FieldError:
    where = [step for step in error["loc"] if step not in {"body"}]
    if error["type"] == "json_invalid":
        where = []
    return FieldError(pointer(where), str(error["msg"]))
