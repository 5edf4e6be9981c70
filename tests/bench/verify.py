"""How long `relato events verify` takes for a million events: log and topic, read models, and mails."""

import time
from datetime import datetime

from tests.bench import aims, past, results
from tests.bench.scene import Scene

_PARTS = {
    "log and topic": "events",
    "read models": "projections/history/fold",
    "mails": "mails/ledger",
}
"""By what a service verifies, below which address it says so."""


async def measure(scene: Scene) -> results.Verify:
    """The whole command as operators type it; it fails when anything is wrong."""
    await past.grow(scene)
    started = time.perf_counter()
    await scene.stack.json("events", "verify", "--reason", "benchmark")
    took = time.perf_counter() - started
    return results.Verify(
        events=await past.events(scene),
        seconds=round(took, 1),
        parts={name: await _part(scene, address) for name, address in _PARTS.items()},
        ratio=round(took / aims.VERIFIED_SECONDS, 3),
    )


async def _part(scene: Scene, address: str) -> float:
    found = await scene.stack.http.get(
        f"/api/operate/{address}/verification", headers=await scene.stack.bearer("olga")
    )
    said = found.raise_for_status().json()
    began, ended = (datetime.fromisoformat(said[name]) for name in ("started_at", "finished_at"))
    return round((ended - began).total_seconds(), 1)
