"""Which faults there are, on which kind of stack, and how often each happens."""

import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from relato.stack.services import SERVICES

from tests.faults import clock, cluster, disk, kills, mail_faults, record_faults, restore
from tests.faults.run import Fault
from tests.faults.site import Site, running_site

Stage = Callable[[], AbstractAsyncContextManager[Site]]
"""Makes the stack that a fault needs, or raises NotRunnable; faults of the same stage share it."""


@asynccontextmanager
async def on_a_small_disk() -> AsyncIterator[Site]:
    """PostgreSQL has a disk of its own."""
    async with disk.small_disk() as small, running_site(disk=small) as site:
        yield site


@asynccontextmanager
async def by_its_own_clock() -> AsyncIterator[Site]:
    """All but the broker go by a clock that can be stepped."""
    with tempfile.TemporaryDirectory() as directory:
        async with running_site(clock=clock.clock(Path(directory))) as site:
            yield site


@dataclass(frozen=True, slots=True)
class Entry:
    """A fault with its name, how often it is to happen, and where."""

    name: str
    fault: Fault
    times: int
    stage: Stage = running_site


FAULTS: tuple[Entry, ...] = (
    *(Entry(f"kill {name}", kills.killed(name), 20) for name in SERVICES),
    Entry("kill two services", kills.two_services_at_once, 20),
    Entry("kill broker", kills.killed("kafka"), 10),
    Entry("kill database", kills.killed("postgres"), 10),
    Entry("kill both, database first back", kills.both_servers("kafka", "postgres", "kafka"), 10),
    Entry("kill both, broker first back", kills.both_servers("postgres", "kafka", "postgres"), 10),
    Entry("relay leader stopped", kills.relay_leader_stopped, 5),
    Entry("connections cut", kills.connections_cut, 10),
    Entry("mail refused", mail_faults.refuses, 1),
    Entry("mail hangs after content", mail_faults.mood("hang"), 1),
    Entry("mail 4xx", mail_faults.mood("451 4.3.0 try again"), 1),
    Entry("mail 5xx", mail_faults.mood("554 5.7.1 no"), 1),
    Entry("mail cut before answer", mail_faults.mood("cut"), 1),
    Entry("mail slow", mail_faults.mood("slow"), 1),
    Entry("mail slow, but in time", mail_faults.late, 1),
    Entry("records delivered again", record_faults.delivered_again, 1),
    Entry("consumers rebalanced", kills.consumers_rebalanced, 1),
    Entry("offsets reset", record_faults.offsets_reset, 1),
    Entry("positions reset", record_faults.positions_reset, 1),
    Entry("broken records", record_faults.broken_between_good, 1),
    Entry("databases restored, broker newer", restore.broker_newer, 2),
    Entry("broker restored, databases newer", restore.broker_older, 2),
    Entry("disk full", disk.full, 2, on_a_small_disk),
    Entry("clock an hour behind", clock.stepped(-1), 2, by_its_own_clock),
    Entry("clock an hour ahead", clock.stepped(+1), 2, by_its_own_clock),
    Entry("kill one of three brokers", cluster.broker_killed, 10, cluster.on_a_cluster),
    Entry("kill one of each service's two", cluster.replicas_killed, 10, cluster.on_a_cluster),
)
