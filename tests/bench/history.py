"""Pages of short and long histories: flat, whatever their length."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from tests.bench import past, results, wrk
from tests.bench.scene import Scene

_SIZES = (10, 100, 1_000, 5_000, 50_000)
_ROUNDS = 5
_SECONDS = 1.0
_MANY_SECONDS = 10.0
_PAGE = 50


async def measure(scene: Scene) -> results.History:
    """First and middle pages by length of the history for one client, and many clients at once."""
    await past.settled(scene, {f"H{size}": size for size in _SIZES})
    portal = scene.addresses["portal-query"]
    paths = []
    for size in _SIZES:
        first = f"/api/portal/tickets/H{size}/history"
        paths += [first, await _middle(scene, first, size)]
    taken = await _in_turn(scene, paths)
    by_size = [
        results.Pages(entries=size, first=first, middle=middle)
        for size, first, middle in zip(_SIZES, taken[::2], taken[1::2], strict=True)
    ]
    many = await wrk.run("get.lua", targets(scene, paths), portal, clients=16, seconds=_MANY_SECONDS)
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


async def _in_turn(scene: Scene, paths: Sequence[str]) -> list[results.Latency]:
    """Of each page the median of several rounds over all: one is not slower for what the machine did then."""
    rounds: list[list[results.Latency]] = [[] for _ in paths]
    for number in range(_ROUNDS):
        for place in range(len(paths))[:: 1 - 2 * (number % 2)]:  # so that no round favours who comes later
            load = await wrk.run(
                *("get.lua", targets(scene, [paths[place]]), scene.addresses["portal-query"]),
                clients=1,
                seconds=_SECONDS,
            )
            rounds[place].append(load.latency)
    return [
        results.Latency(
            p50_ms=median(each.p50_ms for each in taken), p99_ms=median(each.p99_ms for each in taken)
        )
        for taken in rounds
    ]


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


def targets(scene: Scene, paths: Sequence[str]) -> Path:
    """Each path as many people in turn, so that nobody's limit counts."""
    tokens = [scene.company.tokens[each] for each in scene.company.executors[:100]]
    targets = scene.work / "pages"
    targets.write_text("".join(f"{path} {token}\n" for token in tokens for path in paths))
    return targets
