"""The figure of histories: what the machine does meanwhile is not a page's."""

from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from tests.bench import history, wrk
from tests.bench.scene import Scene


async def test_while_the_machine_is_slow_for_a_moment_no_page_becomes_a_slow_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loads = count()

    async def run(*_: object, **__: object) -> wrk.Load:
        times = 10 if 5 <= next(loads) < 15 else 1
        return wrk.Load(rate=400, p50_ms=2.0 * times, p99_ms=5.0 * times)

    monkeypatch.setattr(wrk, "run", run)
    monkeypatch.setattr(history, "targets", lambda *_: Path("targets"))
    scene = cast(Scene, SimpleNamespace(addresses={"portal-query": "http://x"}))
    taken = await history._in_turn(scene, [f"/{place}" for place in range(10)])
    assert [(each.p50_ms, each.p99_ms) for each in taken] == [(2.0, 5.0)] * 10
