"""What the local stack keeps resident, all processes of its own and each service."""

import psutil

from tests.bench import aims, results
from tests.bench.scene import Scene

_MB = 1_000_000


async def measure(scene: Scene) -> results.Resident:
    """Megabytes in total (proportional set size, so that shared pages count once) and of each service."""
    status = await scene.stack.json("status")
    pids = [each["pid"] for each in status["processes"] if each["pid"]]
    services = {each["name"]: _resident([each["pid"]]) for each in status["services"]}
    return results.Resident(
        total_mb=round(_resident(pids, proportional=True) / _MB),
        services={name: round(size / _MB) for name, size in services.items()},
    )


async def both(scene: Scene, at_rest: results.Resident) -> results.Memory:
    """At rest, and now that the load is over; the ratio is that of what comes closest to its limit."""
    now = await measure(scene)
    ratios = [
        part
        for each in (at_rest, now)
        for part in (
            each.total_mb / aims.TOTAL_MB,
            *(size / aims.SERVICE_MB for size in each.services.values()),
        )
    ]
    return results.Memory(
        total_mb=now.total_mb, services=now.services, at_rest=at_rest, ratio=round(max(ratios), 3)
    )


def _resident(pids: list[int], *, proportional: bool = False) -> int:
    total = 0
    for pid in pids:
        process = psutil.Process(pid)
        for each in (process, *process.children(recursive=True)):
            total += each.memory_full_info().pss if proportional else each.memory_info().rss
    return total
