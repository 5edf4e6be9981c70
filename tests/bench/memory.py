"""What the local stack keeps resident, all processes of its own and each service."""

import psutil

from tests.bench.scene import Figures, Scene

_MB = 1_000_000
_WANTED_TOTAL_MB = 1_200
_WANTED_SERVICE_MB = 150


async def measure(scene: Scene) -> Figures:
    """Megabytes in total (proportional set size, so that shared pages count once) and of each service."""
    status = await scene.stack.json("status")
    pids = [each["pid"] for each in status["processes"] if each["pid"]]
    services = {each["name"]: _resident([each["pid"]]) for each in status["services"]}
    return {
        "total_mb": round(_resident(pids, proportional=True) / _MB),
        "services_mb": {name: round(size / _MB) for name, size in services.items()},
    }


async def both(scene: Scene, at_rest: Figures) -> Figures:
    """At rest, and now that the load is over; the ratio is that of what comes closest to its limit."""
    now = await measure(scene)
    ratios = [
        part
        for each in (at_rest, now)
        for part in (
            each["total_mb"] / _WANTED_TOTAL_MB,
            *(size / _WANTED_SERVICE_MB for size in each["services_mb"].values()),
        )
    ]
    return {
        "at_rest": at_rest,
        "after_the_load": now,
        "wanted_total_mb": _WANTED_TOTAL_MB,
        "wanted_service_mb": _WANTED_SERVICE_MB,
        "ratio": round(max(ratios), 2),
    }


def _resident(pids: list[int], *, proportional: bool = False) -> int:
    total = 0
    for pid in pids:
        process = psutil.Process(pid)
        for each in (process, *process.children(recursive=True)):
            total += each.memory_full_info().pss if proportional else each.memory_info().rss
    return total
