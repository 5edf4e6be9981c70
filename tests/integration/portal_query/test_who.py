"""Who may see a ticket: asked of many at once it is what each of them is told."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from portal_query import read
from relato_runtime.database import Pool, open_pool

from tests.support.databases import with_role
from tests.support.projection import Projection

_PEOPLE = ("ana", "bia", "carlos", "davi", "edu")
_GROUPS = ("redes", "campo", "fora")

_permissions = st.lists(
    st.builds(
        lambda group_id, may: {"group_id": group_id, "may": sorted(may)},
        st.sampled_from(_GROUPS),
        st.sets(st.sampled_from(["execute", "comment", "unheard-of"])),
    ),
    max_size=3,
)


@dataclass(frozen=True)
class Company:
    """Who there is, whether they are active, and in which groups; and the ticket's group, if it has one."""

    active: dict[str, bool]
    groups: dict[str, tuple[set[str], list[dict[str, object]]]]
    of_ticket: str | None
    title: str | None


_companies = st.builds(
    Company,
    active=st.dictionaries(st.sampled_from(_PEOPLE), st.booleans()),
    groups=st.dictionaries(
        st.sampled_from(_GROUPS), st.tuples(st.sets(st.sampled_from(_PEOPLE)), _permissions)
    ),
    of_ticket=st.sampled_from([*_GROUPS, None]),
    title=st.sampled_from(["VPN", "VPN", "VPN", None]),
)


@pytest.fixture
async def executors(history: Projection) -> AsyncIterator[Pool]:
    async with open_pool(with_role(history.url, "portal_executor"), size=1) as pool:
        yield pool


@pytest.fixture
async def installation(history: Projection) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(history.url)
    yield connection
    await connection.close()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(company=_companies)
async def test_who_may_see_a_ticket_is_the_same_for_many_as_one_by_one(
    installation: asyncpg.Connection, executors: Pool, company: Company
) -> None:
    await found(installation, company)
    one_by_one = {each for each in _PEOPLE if await read.chat(executors, each, "1001", None, 1) is not None}
    assert await read.who_may_see(executors, _PEOPLE, "1001") == one_by_one
    for each in _PEOPLE:
        assert await read.who_may_see(executors, [each], "1001") == one_by_one & {each}


async def found(installation: asyncpg.Connection, company: Company) -> None:
    """The company, in the place of the one before."""
    await installation.execute("DELETE FROM reference.people")
    await installation.execute("DELETE FROM reference.groups")
    await installation.executemany(
        """
        INSERT INTO reference.people (person_id, name, language, time_zone, active)
        VALUES ($1, $1, 'pt-BR', 'America/Sao_Paulo', $2)
        """,
        list(company.active.items()),
    )
    await installation.executemany(
        """
        INSERT INTO reference.groups (group_id, name, member_ids, emails, permissions)
        VALUES ($1, $1, $2, '{}', $3)
        """,
        [(name, sorted(members), json.dumps(may)) for name, (members, may) in company.groups.items()],
    )
    await installation.execute(
        "UPDATE history.tickets SET group_id = $1, title = $2 WHERE ticket_id = '1001'",
        *(company.of_ticket, company.title),
    )
