"""Three brokers and two of each service, of which some are killed."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from relato.stack.services import SERVICES, names_of

from tests.faults.oracle import promises
from tests.faults.run import Under
from tests.faults.site import Site, running_site

LATE_SECONDS = 10.0
"""What was acknowledged is in its ticket's history by then, whichever broker is away."""
_LOOK_SECONDS = 0.1


@asynccontextmanager
async def on_a_cluster() -> AsyncIterator[Site]:
    """One broker may be away, and one of each service."""
    async with running_site(RELATO_KAFKA_BROKERS="3", RELATO_REPLICAS="2") as site:
        yield site


async def broker_killed(under: Under) -> None:
    """kill -9 of one of three brokers, which stays away until the load is almost over."""
    _watch_from_now(under)
    await under.midway(0.15, 0.3)
    name = f"kafka-{under.random.randint(1, 3)}"
    before = await under.site.kill(name)
    # It starts again by itself after half a second, which would be too kind.
    successor = await under.site.living(name, other_than=before)
    os.kill(successor, signal.SIGSTOP)
    try:
        await under.load.reached(0.9)
    finally:
        os.kill(successor, signal.SIGCONT)


async def replicas_killed(under: Under) -> None:
    """kill -9 of one of the two of each service, one service after the other.

    Nothing is lost; a consumer's partitions are another's only after its session, which lasts 10 s.
    """
    for place, service in enumerate(under.random.sample(SERVICES, len(SERVICES))):
        await under.midway(0.15 + 0.15 * place, 0.25 + 0.15 * place)
        await under.site.kill(under.random.choice(names_of(service, 2)))


def _watch_from_now(under: Under) -> None:
    """Look at the histories until nothing is on its way any more, then judge how late each event came."""
    watch = asyncio.create_task(_watch(under))

    async def judged() -> list[str]:
        watch.cancel()
        seen = await watch
        missed = f"{len(seen)} versions were seen in the histories, none too late"
        return [
            f"version {version} of {ticket_id} was in its history after {late:.1f} s"
            for (ticket_id, version), late in seen.items()
            if late > LATE_SECONDS
        ] or ([] if len(seen) >= sum(1 for _ in promises(under.load)) / 2 else [missed])

    under.checks.append(judged)


async def _watch(under: Under) -> dict[tuple[str, int], float]:
    """How many seconds after its recording each version of the load's tickets was first seen."""
    tickets = sorted(under.load.tickets)
    seen: dict[tuple[str, int], float] = {}
    try:
        async with under.site.sql("history") as sql:
            while True:
                rows = await sql.fetch(
                    "SELECT ticket_id, version, recorded_at FROM history.ticket_entries"
                    " WHERE version > 0 AND ticket_id = ANY($1::text[])",
                    tickets,
                )
                now = time.time()
                for row in rows:
                    recorded: datetime = row["recorded_at"]
                    seen.setdefault((row["ticket_id"], row["version"]), now - recorded.timestamp())
                await asyncio.sleep(_LOOK_SECONDS)
    except asyncio.CancelledError:
        return seen
