"""Rows about the ITSM's facts as the JSON of ``administration_shapes``: pure functions."""

import json
from collections.abc import Mapping
from typing import cast

from relato_contracts.itsm import Kind

from portal_query.administration_shapes import Named, Parameter
from portal_query.parameters import PARAMETERS
from portal_query.shapes import Person
from portal_query.view import Row

_UNKNOWN = {"changed_by": None, "changed_at": None}


def entity(kind: Kind, row: Row, *, whole: bool) -> Mapping[str, object]:
    """One entry of a kind other than parameters; ``whole`` for more than lists show of it."""
    match kind:
        case "categories":
            particular = {"category_id": row["id"], "name": row["name"], "active": row["active"]}
        case "origins":
            particular = {"origin_id": row["id"], "name": row["name"], "active": row["active"]}
        case "email-templates":
            particular = _template(row, whole)
        case "groups":
            particular = _group(row, whole)
        case "people":
            particular = _somebody(row, whole)
        case _:
            particular = _ticket(row)
    return {name: value for name, value in particular.items() if value is not None} | _changed(row)


def parameters(rows: list[Row]) -> list[Parameter]:
    """All parameters that are known or set, by number."""
    by_number = {row["number"]: row for row in rows}
    return [parameter(number, by_number.get(number)) for number in sorted({*PARAMETERS, *by_number})]


def parameter(number: int, row: Row | None) -> Parameter:
    """One parameter; no row while it is unset."""
    known = PARAMETERS.get(number)
    shape: dict[str, object] = {"number": number, "value": row and row["value"], "control": "other"}
    if known is not None:
        shape |= {"name": known.name, "meaning": known.meaning, "control": known.control}
        if known.control in {"template", "category", "origin"}:
            shape["refers_to"] = row and _named(row["value"].strip(), row[f"{known.control}_name"])
    return cast(Parameter, shape | (_UNKNOWN if row is None else _changed(row)))


def _template(row: Row, whole: bool) -> dict[str, object]:
    variants = json.loads(row["variants"]) if whole else None
    return {
        "template_id": row["id"],
        "name": row["name"],
        "languages": row["languages"],
        "variants": variants,
    }


def _group(row: Row, whole: bool) -> dict[str, object]:
    return {
        "group_id": row["id"],
        "name": row["name"],
        "member_count": row["member_count"],
        "emails": row["emails"],
        "members": json.loads(row["members"]) if whole else None,
        "permissions": json.loads(row["permissions"]) if whole else None,
    }


def _somebody(row: Row, whole: bool) -> dict[str, object]:
    return {
        "person_id": row["id"],
        "name": row["name"],
        "email": row["email"],
        "language": row["language"],
        "time_zone": row["time_zone"],
        "active": row["active"],
        "groups": json.loads(row["groups"]) if whole else None,
    }


def _ticket(row: Row) -> dict[str, object]:
    return {
        "ticket_id": row["id"],
        "title": row["title"],
        "status": row["status"],
        "requester": _person(row, "requester"),
        "group": _person(row, "group"),
        "responsible": _person(row, "responsible"),
        "opened_at": row["opened_at"],
        "description": row["description"],
    }


def _changed(row: Row) -> dict[str, object]:
    return {"changed_by": _person(row, "changed_by"), "changed_at": row["changed_at"]}


def _person(row: Row, column: str) -> Person | None:
    """Somebody, or a group: by id where there is no name."""
    given = row[f"{column}_id"]
    return None if given is None else Person(id=given, name=row[f"{column}_name"] or given)


def _named(given: str, name: str | None) -> Named | None:
    return None if name is None else Named(id=given, name=name)
