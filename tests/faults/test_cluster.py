"""A cluster, for real: three brokers and two of each service. `make faults` kills more, and more often."""

from collections.abc import AsyncIterator

import pytest

from tests.faults import cluster
from tests.faults.run import run
from tests.faults.site import Site
from tests.faults.test_faults import SHORT


@pytest.fixture(scope="module")
async def site() -> AsyncIterator[Site]:
    async with cluster.on_a_cluster() as running:
        yield running


async def test_status_shows_all_brokers_and_replicas(site: Site) -> None:
    status = await site.stack.json("status")
    brokers = status["brokers"]
    assert [each["name"] for each in brokers] == ["kafka-1", "kafka-2", "kafka-3"]
    assert status["kafka"]["bootstrap"] == ",".join(each["address"] for each in brokers)
    assert all(each["pid"] for each in brokers)
    replicas = {each["name"]: each["service"] for each in status["services"] if each["ready"]}
    assert replicas == {
        name: service
        for service in ("notes", "notifier", "history-projector", "portal-query")
        for name in (service, f"{service}-2")
    }
    shown = await site.stack.said("status")
    assert all(name in shown for name in ("kafka-3", "portal-query-2"))


async def test_a_broker_that_is_killed_loses_nothing_and_holds_nothing_up(site: Site) -> None:
    result = await run(site, "kill one of three brokers", cluster.broker_killed, seed=1, steps=SHORT)
    assert result.verdict == "kept", result
