"""What waits until a person decides, by what processes measure: the same here and elsewhere."""

import asyncio
import math
from collections.abc import Iterable, Mapping
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

Watched = Mapping[str, Any]
"""A process with its ``samples``, as ``/api/operate/services`` has it."""

Waiting = dict[str, int | None]

_LETTERS, _MAILS, _PARKED = "relato_dead_letters_waiting", "relato_mails", "relato_parked_tickets"
_LABELS = {_LETTERS: "consumer", _MAILS: "state", _PARKED: "generation"}

LOOKS = {
    "dead_letters": "relato dead-letters list",
    "mails_uncertain": "relato emails list --state uncertain",
    "mails_given_up": "relato emails list --state dead",
    "parked_tickets": "relato events verify",
}
"""What there is to wait, each with the command that names it."""


def counted(processes: Iterable[Watched]) -> Waiting:
    """Pure: how many wait of each; None where no process knows.

    All processes of a service say what their one database says. A ticket is parked by each generation.
    """
    known: dict[tuple[str, str], int] = {}
    for process in processes:
        for sample in process["samples"]:
            label = _LABELS.get(sample["name"])
            if label is not None and sample["value"] is not None:
                of = (sample["name"], sample["labels"][label])
                known[of] = max(known.get(of, 0), int(sample["value"]))
    letters = [number for (name, _), number in known.items() if name == _LETTERS]
    parked = [number for (name, _), number in known.items() if name == _PARKED]
    return {
        "dead_letters": sum(letters) if letters else None,
        "mails_uncertain": known.get((_MAILS, "uncertain")),
        "mails_given_up": known.get((_MAILS, "dead")),
        "parked_tickets": max(parked, default=None),
    }


async def measured(addresses: Iterable[str]) -> list[Watched]:
    """The processes that answer, with what each says at /metrics."""
    async with httpx.AsyncClient(trust_env=False, timeout=3) as client:
        texts = await asyncio.gather(*(_metrics(client, address) for address in addresses))
    return [{"samples": [*_samples(text)]} for text in texts]


async def _metrics(client: httpx.AsyncClient, address: str) -> str:
    try:
        answer = await client.get(f"{address}/metrics")
    except httpx.HTTPError:
        return ""  # its state says so
    return answer.text if answer.is_success else ""


def _samples(text: str) -> Iterable[dict[str, Any]]:
    for family in text_string_to_metric_families(text):
        if family.name in _LABELS:
            for each in family.samples:
                value = None if math.isnan(each.value) else each.value
                yield {"name": each.name, "labels": each.labels, "value": value}
