"""The short form of the faults: one of each kind, one after the other on one stack."""

from collections.abc import AsyncIterator

import pytest

from tests.faults import kills, mail_faults, record_faults
from tests.faults.run import Fault, run
from tests.faults.site import Site, running_site

SHORT = 4
"""Commands of each person: enough for the fault to fall between them."""


@pytest.fixture(scope="module")
async def site() -> AsyncIterator[Site]:
    async with running_site() as running:
        yield running


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("kill two services", kills.two_services_at_once),
        ("kill both, broker first back", kills.both_servers("postgres", "kafka", "postgres")),
        ("mail cut before answer", mail_faults.mood("cut")),
        ("broken records", record_faults.broken_between_good),
    ],
)
async def test_every_promise_to_clients_outlives(site: Site, name: str, fault: Fault) -> None:
    result = await run(site, name, fault, seed=1, steps=SHORT)
    assert result.verdict == "kept", result
