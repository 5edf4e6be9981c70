"""Processes killed, stopped and continued; connections cut."""

import os
import signal

from relato.stack.services import SERVICES

from tests.faults.run import Fault, Under
from tests.support.waiting import until


def killed(*names: str) -> Fault:
    """kill -9 of these, at once."""

    async def fault(under: Under) -> None:
        await under.midway()
        for name in names:
            await under.site.kill(name)

    return fault


async def two_services_at_once(under: Under) -> None:
    """kill -9 of any two services."""
    await killed(*under.random.sample(SERVICES, 2))(under)


def both_servers(first: str, second: str, waits: str) -> Fault:
    """kill -9 of broker and database; ``waits`` comes back only after the other answers."""

    async def fault(under: Under) -> None:
        await under.midway()
        site = under.site
        pids = {name: await site.kill(name) for name in (first, second)}
        held = await site.living(waits, other_than=pids[waits])
        os.kill(held, signal.SIGSTOP)
        try:
            other = first if waits == second else second
            await site.living(other, other_than=pids[other])
            await until(site.answers(other), within=30, what=f"{other} to answer")
        finally:
            os.kill(held, signal.SIGCONT)

    return fault


async def relay_leader_stopped(under: Under) -> None:
    """The relay's leader sleeps past its lease while another leads, and wakes up believing that it leads."""
    site = under.site
    async with site.second("notes"):
        await under.midway(0.1, 0.3)

        async def leader() -> int:
            async with site.sql("notes") as sql:
                holder: str = await sql.fetchval("SELECT holder FROM relay_lease")
            return int(holder.rpartition(":")[2])

        stopped = await leader()
        os.kill(stopped, signal.SIGSTOP)
        try:

            async def another_leads() -> bool:
                return await leader() != stopped

            await until(another_leads, within=15, what="another relay to lead")
            await under.load.reached(0.6)
        finally:
            os.kill(stopped, signal.SIGCONT)
        # Both work until the load's end: the one that woke up, and the one that leads.
        await under.load.reached(1)


async def connections_cut(under: Under) -> None:
    """pg_terminate_backend of everything, again and again while the load goes on."""
    for share in (0.15, 0.25, 0.35, 0.45, 0.55):
        await under.load.reached(share)
        async with under.site.sql("postgres") as sql:
            await sql.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )


async def consumers_rebalanced(under: Under) -> None:
    """Second consumers join, work and leave: once politely, once killed."""
    site = under.site
    for name in ("history-projector", "notifier"):
        async with site.second(name):
            await under.load.reached(0.4)
        async with site.second(name) as process:
            process.send_signal(signal.SIGKILL)
            await process.wait()
