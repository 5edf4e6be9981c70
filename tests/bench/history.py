"""Pages of short and long histories: flat, whatever their length."""

from itertools import chain
from pathlib import Path

from tests.bench import facts, wrk
from tests.bench.company import GROUP, REQUESTER
from tests.bench.scene import Figures, Scene
from tests.support import world

_SIZES = (10, 100, 1_000, 5_000, 50_000)
_SECONDS = 5.0
_PAGE = 50


async def _prepare(scene: Scene) -> None:
    """Tickets with histories of all sizes, unless they are there from an earlier round."""
    longest = f"/api/portal/tickets/H{_SIZES[-1]}"
    if (await scene.stack.http.get(longest, headers=scene.as_executor)).is_success:
        return
    tickets = [
        world.ticket(f"H{size}", requester_id=REQUESTER, group_id=GROUP, responsible_id=None)
        for size in _SIZES
    ]
    await facts.publish(scene.kafka, (world.record(scene.kafka, each) for each in tickets))
    await facts.publish(
        scene.kafka, chain.from_iterable(facts.long_history(f"H{size}", size) for size in _SIZES)
    )
    await scene.level()


async def measure(scene: Scene) -> Figures:
    """First and middle pages by length of the history for one client, and many clients at once."""
    await _prepare(scene)
    portal = scene.addresses["portal-query"]
    by_size: list[Figures] = []
    paths = []
    for size in _SIZES:
        first = f"/api/portal/tickets/H{size}/history"
        middle = await _middle(scene, first, size)
        loads = [
            await wrk.run("get.lua", targets(scene, [path]), portal, clients=1, seconds=_SECONDS)
            for path in (first, middle)
        ]
        paths += [first, middle]
        by_size.append(
            {
                "entries": size,
                "first": {"p50_ms": loads[0].p50_ms, "p99_ms": loads[0].p99_ms},
                "middle": {"p50_ms": loads[1].p50_ms, "p99_ms": loads[1].p99_ms},
            }
        )
    many = await wrk.run("get.lua", targets(scene, paths), portal, clients=16, seconds=_SECONDS * 2)
    # The shortest history has no full page to show.
    full = [each[place]["p50_ms"] for each in by_size[1:] for place in ("first", "middle")]
    return {
        "ratio": round(max(full) / min(full), 2),
        "wanted_at_most": 1.3,
        "p99_ms": max(each[place]["p99_ms"] for each in by_size for place in ("first", "middle")),
        "wanted_p99_ms": 15,
        "pages_per_second": round(many.rate),
        "wanted_pages_per_second": 1_200,
        "by_size": by_size,
    }


async def _middle(scene: Scene, first: str, size: int) -> str:
    """The page in the middle, found as a reader finds it: by following the cursors."""
    path = first
    for _ in range(size // 2 // _PAGE):
        page = (await scene.stack.http.get(path, headers=scene.as_executor)).raise_for_status().json()
        path = f"{first}?cursor={page['next_cursor']}"
    return path


def targets(scene: Scene, paths: list[str]) -> Path:
    """Each path as many people in turn, so that nobody's limit counts."""
    tokens = [scene.company.tokens[each] for each in scene.company.executors[:100]]
    targets = scene.work / "pages"
    targets.write_text("".join(f"{path} {token}\n" for token in tokens for path in paths))
    return targets
