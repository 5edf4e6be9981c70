"""Pages of short and long histories: flat, whatever their length."""

from collections.abc import Sequence
from pathlib import Path

from tests.bench import past, results, wrk
from tests.bench.scene import Scene

_SIZES = (10, 100, 1_000, 5_000, 50_000)
_SECONDS = 5.0
_PAGE = 50


async def measure(scene: Scene) -> results.History:
    """First and middle pages by length of the history for one client, and many clients at once."""
    await past.settled(scene, {f"H{size}": size for size in _SIZES})
    portal = scene.addresses["portal-query"]
    by_size = []
    paths = []
    for size in _SIZES:
        first = f"/api/portal/tickets/H{size}/history"
        middle = await _middle(scene, first, size)
        loads = [
            await wrk.run("get.lua", targets(scene, [path]), portal, clients=1, seconds=_SECONDS)
            for path in (first, middle)
        ]
        paths += [first, middle]
        by_size.append(results.Pages(entries=size, first=loads[0].latency, middle=loads[1].latency))
    many = await wrk.run("get.lua", targets(scene, paths), portal, clients=16, seconds=_SECONDS * 2)
    every = [place for each in by_size for place in (each.first, each.middle)]
    return results.History(
        ratio=_slowest_to_fastest(every),
        # Ten entries are a fifth of a page, and cost less for that, not for being the only ones.
        ratio_of_full_pages=_slowest_to_fastest(
            [place for each in by_size if each.entries >= _PAGE for place in (each.first, each.middle)]
        ),
        p99_ms=max(each.p99_ms for each in every),
        pages_per_s=round(many.rate),
        by_size=by_size,
    )


def _slowest_to_fastest(pages: Sequence[results.Latency]) -> float:
    medians = [each.p50_ms for each in pages]
    return round(max(medians) / min(medians), 3)


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
