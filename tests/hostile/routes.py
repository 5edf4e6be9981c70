"""Every route that changes something, as the services' own OpenAPI documents list them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from tests.support.issuer import Issuer

_UNSAFE = ("post", "put", "patch", "delete")
_UUID = "01930000-0000-7000-8000-000000000001"
_KNOWN = {"ticket_id": "1001", "entity_id": "1001", "name": "history"}


@dataclass(frozen=True, slots=True)
class Place:
    """A running service, where its document is, and who gives tokens for it."""

    address: str
    document: str
    issuer: Issuer


@dataclass(frozen=True, slots=True)
class Route:
    """One of them, with an address that exists."""

    method: str
    path: str
    needs_body: bool

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def headers(place: Place, route: Route) -> dict[str, str]:
    """Of somebody who may do it."""
    person = "ana" if "/my/" in route.path or route.path.endswith("/views") else "carlos"
    return place.issuer.bearer(person, "administrator", "operator") | {"Content-Type": "application/json"}


async def unsafe(place: Place) -> list[Route]:
    """All of a service."""
    async with httpx.AsyncClient(base_url=place.address) as client:
        document = (await client.get(place.document)).raise_for_status().json()
    return list(_routes(document))


def _routes(document: Mapping[str, Any]) -> Iterator[Route]:
    for path, operations in document["paths"].items():
        for method in operations.keys() & set(_UNSAFE):
            operation = operations[method]
            parameters = [*operation.get("parameters", ()), *operations.get("parameters", ())]
            filled = path
            for each in parameters:
                if each["in"] == "path":
                    filled = filled.replace(
                        f"{{{each['name']}}}", _value(each["name"], each["schema"], document)
                    )
            assert "{" not in filled, path
            body = operation.get("requestBody", {})
            yield Route(method.upper(), filled, bool(body.get("required")))


def _value(name: str, schema: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    schema = _resolved(schema, document)
    for choices in (schema.get("enum"), [schema["const"]] if "const" in schema else None):
        if choices:
            return str(choices[0])
    if schema.get("format", "").startswith("uuid"):
        return _UUID
    return _KNOWN[name]


def _resolved(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref", "")
    if not reference.startswith("#/components/schemas/"):
        return schema
    found: Mapping[str, Any] = document["components"]["schemas"][reference.rpartition("/")[2]]
    return found
