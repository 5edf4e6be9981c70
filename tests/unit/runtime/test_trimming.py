"""For how long brokers keep files that are not needed any more, as they say themselves."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource
from relato_runtime.trimming import Trimmer

LOOKS, DELAY = "log.retention.check.interval.ms", "file.delete.delay.ms"


class Brokers:
    """A cluster of two, as far as it says how it is configured."""

    def __init__(self, configured: Mapping[str, Mapping[str, str]]) -> None:
        self._configured = configured

    async def describe_cluster(self) -> Any:
        return {"brokers": [{"node_id": 1}, {"node_id": 2}]}

    async def describe_configs(self, resources: Sequence[ConfigResource]) -> Any:
        return [
            SimpleNamespace(
                resources=[
                    (
                        0,
                        "",
                        0,
                        each.name,
                        [(*entry, False, 5) for entry in self._configured[each.name].items()],
                    )
                ]
            )
            for each in resources
        ]


async def patience(configured: Mapping[str, Mapping[str, str]]) -> timedelta | None:
    trimmer = Trimmer(cast(AIOKafkaAdminClient, Brokers(configured)))
    return await trimmer.patience("one", "other")


TOLD = {"1": {LOOKS: "30000"}, "2": {LOOKS: "300000"}, "one": {DELAY: "60000"}, "other": {DELAY: "5000"}}


async def test_the_slowest_broker_and_topic_count() -> None:
    assert await patience(TOLD) == timedelta(seconds=360)


@pytest.mark.parametrize("silent", ["2", "other"])
async def test_nobody_knows_where_one_of_them_does_not_say(silent: str) -> None:
    assert await patience(TOLD | {silent: {}}) is None
