"""What forms offer to choose from, and what they can say beforehand: as the role ``portal_executor``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from relato_runtime.database import Pool

from portal_query.read import Row
from portal_query.statements import MINE


@dataclass(frozen=True, slots=True)
class Options:
    """By what the desk can be narrowed."""

    groups: Sequence[Row]
    people: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Categories and origins, and by id their names; those no longer in use name what has them."""

    categories: Sequence[Row]
    origins: Sequence[Row]
    category_names: Mapping[str, str]
    origin_names: Mapping[str, str]

    def names(self, category_id: str | None, origin_id: str | None) -> bool:
        """Whether it has a name for each of them that is given."""
        return (category_id is None or category_id in self.category_names) and (
            origin_id is None or origin_id in self.origin_names
        )


async def options(pool: Pool, person_id: str) -> Options:
    """The groups whose tickets the person may see, and their members."""
    return Options(await pool.fetch(_GROUPS, person_id), await pool.fetch(_MEMBERS, person_id))


async def catalogue(pool: Pool) -> Catalogue:
    """Everything that an occurrence can be filed under."""
    categories = await pool.fetch(
        "SELECT category_id AS id, name, active FROM reference.categories ORDER BY name"
    )
    origins = await pool.fetch("SELECT origin_id AS id, name, active FROM reference.origins ORDER BY name")
    return Catalogue(categories, origins, _by_id(categories), _by_id(origins))


async def names(pool: Pool, ids: Sequence[str]) -> Mapping[str, str]:
    """How the people and groups of these ids are called."""
    rows = await pool.fetch(
        """
        SELECT group_id AS id, name FROM reference.groups WHERE group_id = ANY($1::text[])
        UNION ALL SELECT person_id, name FROM reference.people WHERE person_id = ANY($1::text[])
        """,
        ids,
    )
    return _by_id(rows)


async def mailing(pool: Pool, requester_id: str) -> Row:
    """Whether a mail can go out to the requester: their address, and parameters 251 and 297."""
    row = await pool.fetchrow(_MAILING, requester_id)
    assert row is not None
    return row


def _by_id(rows: Sequence[Row]) -> Mapping[str, str]:
    return {row["id"]: row["name"] for row in rows}


_GROUPS = f"""
{MINE} SELECT group_id AS id, name FROM reference.groups
WHERE group_id IN (SELECT group_id FROM mine) ORDER BY name
"""  # noqa: S608  # constants alone
_MEMBERS = f"""
{MINE} SELECT DISTINCT p.person_id AS id, p.name
FROM reference.groups AS g JOIN reference.people AS p ON p.person_id = ANY (g.member_ids)
WHERE g.group_id IN (SELECT group_id FROM mine) AND p.active ORDER BY p.name
"""  # noqa: S608  # constants alone
_MAILING = """
SELECT
    (SELECT email FROM reference.people WHERE person_id = $1 AND active) AS address,
    EXISTS (
        SELECT FROM reference.parameters AS p JOIN reference.email_templates AS t ON t.template_id = p.value
        WHERE p.number = 251
    ) AS configured,
    EXISTS (SELECT FROM reference.parameters WHERE number = 297 AND value = 'S') AS switched_off
"""
