"""What readers feel of a rebuild: the same pages, with and without a generation being built beside them."""

from itertools import chain
from statistics import median

import httpx

from tests.bench import facts, wrk
from tests.bench.company import GROUP, REQUESTER
from tests.bench.history import targets
from tests.bench.scene import Figures, Scene
from tests.support import world
from tests.support.waiting import until

_TICKETS = 40
_ENTRIES = 5_000
_SECONDS = 5.0
_ROUNDS = 3
_PATH = "/api/operate/projections"


async def measure(scene: Scene) -> Figures:
    """Pages with one client in turns: at rest, while 200,000 events are read from the start, at rest …"""
    ticket_ids = [f"R{number}" for number in range(_TICKETS)]
    saved = [world.ticket(each, requester_id=REQUESTER, group_id=GROUP) for each in ticket_ids]
    await facts.publish(scene.kafka, (world.record(scene.kafka, each) for each in saved))
    histories = (facts.long_history(each, _ENTRIES) for each in ticket_ids)
    await facts.publish(scene.kafka, chain.from_iterable(histories))
    await scene.level()
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
    rest, under = (median(each.p50_ms for each in loads) for loads in (at_rest, meanwhile))
    return {
        "p50_ms": {"at_rest": rest, "meanwhile": under},
        "p99_ms": {
            "at_rest": median(each.p99_ms for each in at_rest),
            "meanwhile": median(each.p99_ms for each in meanwhile),
        },
        "ratio": round(under / rest, 2),
        "wanted_at_most": 1.1,
        "events_per_second": round(median(rates)),
    }


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
