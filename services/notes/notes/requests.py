"""From HTTP to typed requests: strict JSON bodies, idempotency keys, versions, in OpenAPI's words too."""

import json
import re
from collections.abc import Sequence
from typing import Any, TypeVar, get_args

from fastapi import Request as HttpRequest
from pydantic import BaseModel, ValidationError
from relato_runtime.field_errors import FieldError, pointer
from relato_runtime.problems import Problem, invalid

from notes.bodies import Body
from notes.handle import request_hash
from notes.situation import Notification

Model = TypeVar("Model", bound=BaseModel)

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_VERSION = re.compile(r'"?(\d{1,9})"?')


async def body(request: HttpRequest, model: type[Model], *, or_none: bool = False) -> Model:
    """The request's JSON body; ``Problem`` 415 or 422 with a pointer for each wrong field.

    Where there may be none (``or_none``), that is the same as an empty object.

    Read by hand, since FastAPI's own way costs more than the decision and its insert together.
    """
    if or_none and not await request.body():
        return model()
    media = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if media != "application/json":
        raise Problem(415, "unsupported-media-type", "The body is to be application/json.")
    try:
        return model.model_validate_json(await request.body(), extra="forbid")
    except ValidationError as error:
        raise invalid(
            *(
                FieldError(pointer(each["loc"]), each["msg"])
                for each in error.errors(include_input=False, include_url=False)
            )
        ) from error


def idempotency(request: HttpRequest, given: Body) -> tuple[str | None, bytes]:
    """The request's key, if it has one, and what tells this request from others (bodies as JSON)."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return None, b""
    if not _KEY.fullmatch(key):
        raise invalid(FieldError("/Idempotency-Key", "1 to 255 printable ASCII characters."))
    said = given.model_dump(mode="json")
    # As when there were none: keys outlive the program that first saw them.
    if said.get("hold_seconds") == 0:
        del said["hold_seconds"]
    if "reason" in said and said["reason"] is None:
        del said["reason"]
    canonical = json.dumps(said, sort_keys=True)
    return key, request_hash(f"{request.method} {request.scope['path']}", canonical)


def expected_version(request: HttpRequest) -> int | None:
    """The version in ``If-Match``, if there is one (RFC 9110 §13.1.1)."""
    given = request.headers.get("if-match")
    if given is None or given.strip() == "*":
        return None
    match = _VERSION.fullmatch(given.strip())
    if match is None:
        raise invalid(FieldError("/If-Match", 'A version in quotes, such as "3".'))
    return int(match[1])


def documented(model: type[BaseModel], *, versioned: bool = False, optional: bool = False) -> dict[str, Any]:
    """The OpenAPI description of a body that is read by hand."""
    parameters: list[dict[str, object]] = [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x21-\\x7e]+$"},
            "description": "The same key with the same body is answered as before, and done once.",
        }
    ]
    if versioned:
        parameters.append(
            {
                "name": "If-Match",
                "in": "header",
                "required": False,
                "schema": {"type": "string", "pattern": '^"[0-9]{1,9}"$'},
                "description": "The version up to which you know the occurrence.",
            }
        )
    return {
        "parameters": parameters,
        "requestBody": {
            "required": not optional,
            "content": {"application/json": {"schema": model.model_json_schema(mode="validation")}},
        },
    }


_PROBLEM = {"content": {"application/problem+json": {"schema": {"type": "object"}}}}
_PROBLEMS = {
    401: "No token that counts",
    403: "Not permitted",
    404: "No such ticket or occurrence",
    409: "Switched off, closed or retracted",
    412: "Another change came first",
    413: "Too large",
    415: "Not JSON",
    422: "Invalid",
    429: "Too many requests",
    503: "Try again later",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI description of the problems that a route may answer with."""
    return {status: {"description": _PROBLEMS[status], **_PROBLEM} for status in statuses}


_ANSWERED: dict[str, dict[str, object]] = {
    "ticket_id": {"type": "string"},
    "version": {"type": "integer", "minimum": 0},
    "occurrence_id": {"type": "string", "format": "uuid"},
    "message_id": {"type": "string", "format": "uuid"},
    "notification": {"enum": list(get_args(Notification))},
    "recorded": {"type": "boolean"},
    "release_at": {
        "type": "string",
        "format": "date-time",
        "description": "Until then it is held back, and its author can undo sending it.",
    },
}


def recorded(*made: str, perhaps: Sequence[str] = ()) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI description of the answer to a command: ticket, version, and what it ``made``."""
    fields = ("ticket_id", "version", *made)
    schema = {
        "type": "object",
        "properties": {name: _ANSWERED[name] for name in (*fields, *perhaps)},
        "required": list(fields),
        "additionalProperties": False,
    }
    content = {"content": {"application/json": {"schema": schema}}}
    responses: dict[int | str, dict[str, Any]] = {201: {"description": "Recorded", **content}}
    if "recorded" in made:
        responses[200] = {"description": "Nothing new", **content}
    return responses
