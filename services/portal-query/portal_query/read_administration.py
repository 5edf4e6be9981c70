"""What administrators read of the ITSM's facts: all SQL on ``reference``, as the role ``portal_executor``.

Lists go by ``place``, then id; a place is short, since it goes into a cursor.
"""
# ruff: noqa: S608  # put together from constants alone; what is asked for comes as parameters

from collections.abc import Mapping
from datetime import datetime

from relato_contracts.itsm import Kind
from relato_runtime.database import Pool

from portal_query import statements
from portal_query.read import LAST, Row
from portal_query.statements import folded

Place = tuple[str | datetime, str]
"""Where something stands in a list: by what it is sorted, and its id."""


async def listed(pool: Pool, kind: Kind, after: Place | None, search: str | None, limit: int) -> list[Row]:
    """Part of a list, by name; of tickets by when they were opened, the latest first."""
    pattern = None if search is None else statements.pattern(search)
    return await pool.fetch(_LISTS[kind], *(after or _BEGINNINGS[kind]), pattern, limit)


async def one(pool: Pool, kind: Kind, entity_id: str) -> Row | None:
    """What has that id."""
    return await pool.fetchrow(_ONE[kind], entity_id)


async def parameters(pool: Pool) -> list[Row]:
    """All parameters that have a value, by number."""
    return await pool.fetch(f"{_PARAMETERS} ORDER BY number")


async def parameter(pool: Pool, number: int) -> Row | None:
    """One parameter, if it has a value."""
    return await pool.fetchrow(f"{_PARAMETERS} WHERE number = $1", number)


async def choices(pool: Pool, kind: Kind) -> list[Row]:
    """Ids and names of everything of a kind that can be chosen, by name."""
    return await pool.fetch(_CHOICES[kind])


_CHANGED = """
    it.changed_at, it.changed_by AS changed_by_id,
    (SELECT name FROM reference.people WHERE person_id = it.changed_by) AS changed_by_name
"""
# What is usable is what notes and the notifier use: categories and origins only while they are active.
_PARAMETERS = f"""
SELECT
    it.number, it.value, {_CHANGED},
    (SELECT name FROM reference.email_templates WHERE template_id = btrim(it.value)) AS template_name,
    (SELECT name FROM reference.categories WHERE category_id = it.value AND active) AS category_name,
    (SELECT name FROM reference.origins WHERE origin_id = it.value AND active) AS origin_name
FROM reference.parameters AS it
"""
_KEYS: Mapping[Kind, str] = {
    "categories": "category_id",
    "origins": "origin_id",
    "email-templates": "template_id",
    "groups": "group_id",
    "people": "person_id",
    "tickets": "ticket_id",
}
_VARIANTS = """
    ARRAY(SELECT variant ->> 'language' FROM jsonb_array_elements(it.variants) AS variant) AS languages
"""
_LISTED: Mapping[Kind, str] = {
    "categories": "it.active",
    "origins": "it.active",
    "email-templates": _VARIANTS,
    "groups": "cardinality(it.member_ids) AS member_count, it.emails",
    "people": "it.email, it.language, it.time_zone, it.active",
    "tickets": """
        it.title, it.description, it.status, it.opened_at, it.requester_id, it.group_id, it.responsible_id,
        (SELECT name FROM reference.people WHERE person_id = it.requester_id) AS requester_name,
        (SELECT name FROM reference.groups WHERE group_id = it.group_id) AS group_name,
        (SELECT name FROM reference.people WHERE person_id = it.responsible_id) AS responsible_name
    """,
}
_DETAILS: Mapping[Kind, str] = {
    "email-templates": ", it.variants",
    "groups": """,
        (
            SELECT coalesce(
                json_agg(json_build_object('id', id, 'name', coalesce(name, id)) ORDER BY place), '[]'
            )
            FROM unnest(it.member_ids) WITH ORDINALITY AS member (id, place)
            LEFT JOIN reference.people ON person_id = id
        ) AS members,
        (
            SELECT coalesce(json_agg(json_build_object(
                'group', json_build_object('id', id, 'name', coalesce(name, id)), 'may', may
            ) ORDER BY place), '[]')
            FROM jsonb_array_elements(it.permissions) WITH ORDINALITY AS permission (permission, place),
                LATERAL (SELECT permission ->> 'group_id' AS id, permission -> 'may' AS may) AS given
            LEFT JOIN reference.groups ON group_id = id
        ) AS permissions
    """,
    "people": """,
        (
            SELECT coalesce(json_agg(json_build_object('id', group_id, 'name', name) ORDER BY name), '[]')
            FROM reference.groups WHERE member_ids @> ARRAY[it.person_id]
        ) AS groups
    """,
}
_SEARCHED: Mapping[Kind, str] = {
    "people": "concat_ws(' ', it.person_id, it.name, it.email)",
    "tickets": """concat_ws(
        ' ', it.ticket_id, it.title, (SELECT name FROM reference.people WHERE person_id = it.requester_id)
    )""",
}
_BY_NAME = f"left({folded('it.name')}, 40)"
_BEGINNINGS: Mapping[Kind, Place] = dict.fromkeys(_KEYS, ("", "")) | {"tickets": (LAST, "~")}


def _select(kind: Kind) -> str:
    named = "" if kind == "tickets" else "it.name,"
    place = "it.opened_at" if kind == "tickets" else _BY_NAME
    return f"SELECT {place} AS place, it.{_KEYS[kind]} AS id, {named} {_LISTED[kind]}, {_CHANGED}"


def _list(kind: Kind) -> str:
    key = f"it.{_KEYS[kind]}"
    place, compare, order = ("it.opened_at", "<", "DESC") if kind == "tickets" else (_BY_NAME, ">", "ASC")
    searched = _SEARCHED.get(kind, f"concat_ws(' ', {key}, it.name)")
    typed = "timestamptz" if kind == "tickets" else "text"
    return f"""
    {_select(kind)} FROM {_TABLES[kind]} AS it
    WHERE ({place}, {key}) {compare} ($1::{typed}, $2::text)
      AND ($3::text IS NULL OR {folded(searched)} LIKE $3)
    ORDER BY {place} {order}, {key} {order} LIMIT $4
    """


_TABLES: Mapping[Kind, str] = {kind: f"reference.{kind.replace('-', '_')}" for kind in _KEYS}
_LISTS: Mapping[Kind, str] = {kind: _list(kind) for kind in _KEYS}
_ONE: Mapping[Kind, str] = {
    kind: f"{_select(kind)} {_DETAILS.get(kind, '')} FROM {_TABLES[kind]} AS it WHERE it.{key} = $1"
    for kind, key in _KEYS.items()
}
_CHOSEN: Mapping[Kind, str] = {
    "email-templates": "",
    "groups": "",
    "categories": "WHERE it.active",
    "origins": "WHERE it.active",
}
_CHOICES: Mapping[Kind, str] = {
    kind: f"SELECT it.{_KEYS[kind]} AS id, it.name FROM {_TABLES[kind]} AS it {only} ORDER BY it.name, id"
    for kind, only in _CHOSEN.items()
}
