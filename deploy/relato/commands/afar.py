"""`relato status` of an installation that runs elsewhere: what its operators' API says of each process."""

import asyncio
from collections.abc import Sequence
from itertools import count

from relato_contracts.topics import TOPICS

from relato.commands import waiting
from relato.commands.status_document import Service, Status
from relato.commands.waiting import Watched
from relato.errors import StackError
from relato.operate import Operator, operating
from relato.reach import Reach

_SERVICES = ("notes", "notifier", "history-projector", "portal-query")
_TIMES = 4
"""How often each service is asked: of several processes, whichever the front door chooses answers."""


async def ask(reach: Reach) -> Status:
    """What an installation says about itself; StackError where nothing of it answers."""
    async with operating(reach) as operator:
        asked = await asyncio.gather(*(_processes(operator, name) for name in _SERVICES))
        behind = await _generations(operator)
    whys = [each for each in asked if isinstance(each, str)]
    if len(whys) == len(_SERVICES):
        raise StackError(whys[0])
    services = [
        service
        for name, found in zip(_SERVICES, asked, strict=True)
        for service in _services(name, found, reach.origin())
    ]
    processes = [each for found in asked if not isinstance(found, str) for each in found]
    answers = not any("database" in each["missing"] for each in processes)
    return {
        "origin": reach.origin(),
        "phase": "running",
        "kafka": {"bootstrap": None, "version": None, "answers": behind},
        "brokers": [],
        "postgres": {"version": None, "answers": answers},
        "mail": {"smtp": None, "http": None},
        "services": services,
        "consumers": consumers(processes),
        "outbox": {
            "pending": _greatest(processes, "relato_outbox_pending"),
            "oldest_seconds": _greatest(processes, "relato_outbox_oldest_seconds"),
        },
        "waiting": waiting.counted(processes),
        "processes": [],
    }


async def _processes(operator: Operator, name: str) -> list[Watched] | str:
    """Those processes of a service that answer, or why none does."""
    found: dict[str, Watched] = {}
    for _ in range(_TIMES):
        try:
            process = await operator.get(f"/services/{name}")
        except StackError as error:
            if not found:
                return str(error)
        else:
            found[process["instance"]] = process
    return [found[each] for each in sorted(found)]


async def _generations(operator: Operator) -> bool:
    """Whether the broker answers whoever lists the generations."""
    try:
        items = (await operator.get("/projections"))["items"]
    except StackError:
        return False
    return all(each["behind"] is not None for each in items)


def _services(name: str, found: Sequence[Watched] | str, origin: str) -> list[Service]:
    def one(called: str, why: str | None, remarks: dict[str, str]) -> Service:
        return {
            "name": called,
            "service": name,
            "pid": None,
            "address": origin,
            "ready": why is None,
            "why": why,
            "remarks": remarks,
            "restarts": None,
        }

    if isinstance(found, str):
        return [one(name, found, {})]
    names = (name if number == 1 else f"{name}-{number}" for number in count(1))
    return [
        one(
            called,
            "; ".join(f"{part}: {why}" for part, why in each["missing"].items()) or None,
            each["remarks"],
        )
        for called, each in zip(names, found, strict=False)
    ]


def consumers(processes: Sequence[Watched]) -> list[dict[str, str | int]]:
    """Pure: how far behind each group is on each topic: the partitions of all processes together."""
    lags: dict[tuple[str, str], int] = {}
    for process in processes:
        for sample in process["samples"]:
            if sample["name"] == "relato_consumer_lag" and sample["value"] is not None:
                labels = sample["labels"]
                group = f"{_prefix(labels['topic'])}relato.{labels['consumer']}"
                place = (group, labels["topic"])
                lags[place] = lags.get(place, 0) + int(sample["value"])
    return [{"group": group, "topic": topic, "lag": lag} for (group, topic), lag in sorted(lags.items())]


def _prefix(topic: str) -> str:
    return next((topic.removesuffix(each.name) for each in TOPICS if topic.endswith(each.name)), "")


def _greatest(processes: Sequence[Watched], name: str) -> float | None:
    """Of what a database says, all processes say the same; None where none of them knows."""
    values = [
        sample["value"]
        for process in processes
        for sample in process["samples"]
        if sample["name"] == name and sample["value"] is not None
    ]
    return max(values, default=None)
