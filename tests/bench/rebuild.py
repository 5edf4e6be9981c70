"""What readers feel of a rebuild: the same pages, with and without a generation being built beside them."""

from collections.abc import Sequence
from statistics import median

import httpx

from tests.bench import past, results, wrk
from tests.bench.history import targets
from tests.bench.scene import Scene
from tests.support.waiting import until

_TICKETS = 40
_ENTRIES = 5_000
_SECONDS = 5.0
_ROUNDS = 3
_PATH = "/api/operate/projections"


async def measure(scene: Scene) -> results.Rebuild:
    """Pages with one client in turns: at rest, while 200,000 events are read from the start, at rest …"""
    ticket_ids = [f"R{number}" for number in range(_TICKETS)]
    await past.settled(scene, dict.fromkeys(ticket_ids, _ENTRIES))
    paths = targets(scene, [f"/api/portal/tickets/{each}/history" for each in ticket_ids])

    async def pages() -> wrk.Load:
        portal = scene.addresses["portal-query"]
        return await wrk.run("get.lua", paths, portal, clients=1, seconds=_SECONDS)

    await pages()  # warm
    at_rest, meanwhile, rates = [], [], []
    for _ in range(_ROUNDS):
        at_rest.append(await pages())
        await _operate(scene, "rebuild")
        await until(lambda: _under_way(scene), within=60, what="a rebuild under way")
        meanwhile.append(await pages())
        generation = await _built(scene)
        if generation is None or not generation["behind"]:
            raise RuntimeError("the rebuild was over before the pages were measured")
        rates.append(generation["applied"] / _SECONDS)
        await _operate(scene, "cancel")
        await until(lambda: _gone(scene), within=60, what="an end of the generation")
    rest, under = _medians(at_rest), _medians(meanwhile)
    return results.Rebuild(
        ratio=round(under.p50_ms / rest.p50_ms, 3),
        at_rest=rest,
        meanwhile=under,
        events_per_s=round(median(rates)),
    )


def _medians(loads: Sequence[wrk.Load]) -> results.Latency:
    return results.Latency(
        p50_ms=median(each.p50_ms for each in loads), p99_ms=median(each.p99_ms for each in loads)
    )


async def _operate(scene: Scene, verb: str) -> None:
    answer = await _ask(scene, "POST", f"{_PATH}/history/{verb}", {"reason": "benchmark"})
    answer.raise_for_status()


async def _ask(scene: Scene, method: str, path: str, wish: dict[str, object] | None = None) -> httpx.Response:
    headers = await scene.stack.bearer("olga")
    return await scene.stack.http.request(method, path, json=wish, headers=headers)


async def _built(scene: Scene) -> dict[str, int] | None:
    generations = (await _ask(scene, "GET", _PATH)).raise_for_status().json()["items"]
    return next((each for each in generations if each["state"] == "building"), None)


async def _under_way(scene: Scene) -> bool:
    return bool((await _built(scene) or {"applied": 0})["applied"])


async def _gone(scene: Scene) -> bool:
    return len((await _ask(scene, "GET", _PATH)).raise_for_status().json()["items"]) == 1
