"""What the local stack keeps resident, all processes of its own and each service."""

from typing import Any

import psutil

from tests.support.stack import Stack

_MB = 1_000_000


async def measure(stack: Stack) -> dict[str, Any]:
    """Megabytes in total (proportional set size, so that shared pages count once) and of each service."""
    status = await stack.json("status")
    pids = [each["pid"] for each in status["processes"] if each["pid"]]
    services = {each["name"]: _resident([each["pid"]]) for each in status["services"]}
    return {
        "total_mb": round(_resident(pids, proportional=True) / _MB),
        "wanted_total_mb": 1_200,
        "services": {name: round(size / _MB) for name, size in services.items()},
        "wanted_service_mb": 150,
    }


def _resident(pids: list[int], *, proportional: bool = False) -> int:
    total = 0
    for pid in pids:
        process = psutil.Process(pid)
        for each in (process, *process.children(recursive=True)):
            total += each.memory_full_info().pss if proportional else each.memory_info().rss
    return total
