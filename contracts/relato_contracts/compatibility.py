"""What breaks a published schema: within a version only optional fields and wording may be added.

Records are kept for ever and services are not replaced all at once, so today's readers have to
understand tomorrow's records, and tomorrow's readers those of today.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import JsonValue

from relato_contracts.schemas import Schema

_WORDING = {"title", "description", "examples", "deprecated", "$id", "$schema", "$comment", "$defs"}
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_STRUCTURE = {"properties", "required", "items", "anyOf", "enum", "type", "$ref", *_UPPER, *_LOWER}


@dataclass(frozen=True, slots=True)
class Break:
    """One thing that another version would be needed for, and where in the value (a JSON pointer)."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where or '/'}: {self.what}"


def breaks(published: Schema, proposed: Schema) -> list[Break]:
    """What readers or writers of the published schema would stumble over in the proposed one."""
    return list(_Comparison(published, proposed).of(published, proposed, ""))


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Two documents, against which references are resolved."""

    published: Schema
    proposed: Schema

    def of(self, old: JsonValue, new: JsonValue, at: str) -> Iterator[Break]:
        """What breaks at one place of both documents."""
        old, new = _resolved(old, self.published), _resolved(new, self.proposed)
        yield from _types(old, new, at)
        yield from _limits(old, new, at)
        yield from _choices(old, new, at)
        yield from self._fields(old, new, at)
        yield from self._alternatives(old, new, at)
        if "items" in old or "items" in new:
            yield from self.of(old.get("items", {}), new.get("items", {}), f"{at}/*")
        for keyword in sorted((old.keys() | new.keys()) - _STRUCTURE - _WORDING):
            if old.get(keyword) != new.get(keyword):
                yield Break(at, f"{keyword} was {old.get(keyword)!r} and would be {new.get(keyword)!r}")

    def _fields(self, old: Schema, new: Schema, at: str) -> Iterator[Break]:
        before, after = _table(old.get("properties")), _table(new.get("properties"))
        needed, needed_after = _names(old.get("required")), _names(new.get("required"))
        for name in before:
            if name not in after:
                yield Break(f"{at}/{name}", "field removed")
                continue
            if name in needed_after - needed:
                yield Break(f"{at}/{name}", "made required: records without it exist")
            if name in needed - needed_after:
                yield Break(f"{at}/{name}", "no longer required: readers count on it")
            yield from self.of(before[name], after[name], f"{at}/{name}")
        for name in after.keys() - before.keys():
            if name in needed_after:
                yield Break(f"{at}/{name}", "new and required: records without it exist")

    def _alternatives(self, old: Schema, new: Schema, at: str) -> Iterator[Break]:
        before, after = _items(old.get("anyOf")), _items(new.get("anyOf"))
        if len(before) == len(after) == 2 and {"type": "null"} in before and {"type": "null"} in after:
            # An optional field: say what changed about its value.
            [value], [proposed] = ([x for x in side if x != {"type": "null"}] for side in (before, after))
            yield from self.of(value, proposed, at)
            return
        for alternative in before:
            if not any(self._same(alternative, other) for other in after):
                yield Break(at, f"alternative removed: {alternative!r}")
        for alternative in after:
            if not any(self._same(other, alternative) for other in before):
                yield Break(at, f"alternative added, which today's readers refuse: {alternative!r}")

    def _same(self, old: JsonValue, new: JsonValue) -> bool:
        return not any(self.of(old, new, ""))


def _types(old: Schema, new: Schema, at: str) -> Iterator[Break]:
    if old.get("type") != new.get("type"):
        yield Break(at, f"type was {old.get('type')!r} and would be {new.get('type')!r}")


def _limits(old: Schema, new: Schema, at: str) -> Iterator[Break]:
    for keyword, sign in [*((name, 1) for name in _UPPER), *((name, -1) for name in _LOWER)]:
        room = _number(old.get(keyword)) * sign, _number(new.get(keyword)) * sign
        if keyword in old and keyword in new and room[0] == room[1]:
            continue
        if keyword in new and (keyword not in old or room[1] < room[0]):
            yield Break(at, f"{keyword} tightened to {new[keyword]}: records beyond it exist")
        elif keyword in old:
            yield Break(at, f"{keyword} loosened from {old[keyword]}: today's readers refuse what is beyond")


def _choices(old: Schema, new: Schema, at: str) -> Iterator[Break]:
    before, after = _items(old.get("enum")), _items(new.get("enum"))
    if before and not after:
        yield Break(at, "enum lifted: today's readers refuse other values")
    elif after and not before:
        yield Break(at, "enum introduced: records with other values exist")
    else:
        for value in before:
            if value not in after:
                yield Break(at, f"enum value removed: {value!r}")
        for value in after:
            if value not in before:
                yield Break(at, f"enum value added, which today's readers refuse: {value!r}")


def _resolved(node: JsonValue, document: Schema) -> Schema:
    node = _table(node)
    reference = node.get("$ref")
    if not isinstance(reference, str):
        return node
    name = reference.removeprefix("#/$defs/")
    return {**_table(_table(document["$defs"])[name]), **{k: v for k, v in node.items() if k != "$ref"}}


def _table(value: JsonValue) -> Schema:
    return value if isinstance(value, dict) else {}


def _items(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []


def _names(value: JsonValue) -> set[str]:
    return {item for item in _items(value) if isinstance(item, str)}


def _number(value: JsonValue) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
