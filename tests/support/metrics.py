"""What the processes of a stack say at /metrics, read as Prometheus reads it."""

import asyncio
import math
from collections.abc import Iterable

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.support.reaching import reaching
from tests.support.stack import Stack


class Measured:
    """What was said at one moment."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._samples = [sample for family in families for sample in family.samples]

    def sum(self, name: str, **labels: str) -> float:
        """The sum of all samples of that name with these labels; what is not known counts nothing."""
        found = [
            sample.value
            for sample in self._samples
            if sample.name == name
            and labels.items() <= sample.labels.items()
            and not math.isnan(sample.value)
        ]
        return math.fsum(found)

    def labels(self, name: str, label: str) -> set[str]:
        """The values of a label."""
        return {sample.labels[label] for sample in self._samples if sample.name == name}


async def measured(stack: Stack) -> Measured:
    """Of all processes of all services."""
    addresses = [each["address"] for each in (await stack.places())["services"]]
    return await at(addresses)


async def at(addresses: Iterable[str]) -> Measured:
    """Of processes by their addresses."""
    async with reaching(timeout=10) as client:
        answers = await asyncio.gather(*(client.get(f"{address}/metrics") for address in addresses))
    return Measured(family for answer in answers for family in text_string_to_metric_families(answer.text))
