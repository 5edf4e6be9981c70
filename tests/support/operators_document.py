"""The operators' API in one OpenAPI document, put together from those of the services that answer it."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

OPERATE = "/api/operate/"
_REFERENCE = "#/components/schemas/"


def merged(documents: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """One document of all paths below ``/api/operate``, with the schemas that they need.

    Raises ``ValueError`` where two services mean different things by the same name.
    """
    first, *_ = documents = list(documents)
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for document in documents:
        theirs = {path: item for path, item in document["paths"].items() if path.startswith(OPERATE)}
        _add(paths, theirs)
        known = document.get("components", {}).get("schemas", {})
        _add(schemas, {name: known[name] for name in _needed(theirs, known)})
    return {
        "openapi": first["openapi"],
        "info": {"title": "Relato operators' API", "version": first["info"]["version"]},
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": first["components"]["securitySchemes"],
        },
    }


def written(document: Mapping[str, Any]) -> str:
    """As it is committed."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _add(known: dict[str, Any], more: Mapping[str, Any]) -> None:
    for name, meaning in more.items():
        if known.setdefault(name, meaning) != meaning:
            raise ValueError(f"{name} means something else in another service")


def _needed(of: object, known: Mapping[str, Any]) -> set[str]:
    """The names of schemas that something refers to, directly or through others."""
    needed: set[str] = set()
    waiting = _references(of)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting |= _references(known[name])
    return needed


def _references(of: object) -> set[str]:
    if isinstance(of, Mapping):
        found = {of["$ref"].removeprefix(_REFERENCE)} if isinstance(of.get("$ref"), str) else set()
        return found.union(*(_references(each) for each in of.values()))
    if isinstance(of, list):
        return set().union(*(_references(each) for each in of))
    return set()
