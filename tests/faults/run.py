"""One run: a load, a fault in its middle, the time to recover, and whether every promise was kept."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition
from relato.records import partitions
from relato_contracts.topics import TOPICS
from relato_runtime.kafka import connection

from tests.faults import oracle
from tests.faults.asked import ticket_fact, title
from tests.faults.load import Load
from tests.faults.plan import ADMINISTRATOR, plan
from tests.faults.site import Site
from tests.faults.streams import open_streams
from tests.support.waiting import until

TICKETS, STEPS = 30, 6


class NotRunnable(Exception):
    """This machine lacks what the fault needs."""


@dataclass
class Under:
    """What a fault acts on and draws from."""

    site: Site
    load: Load
    random: Random
    checks: list[Callable[[], Awaitable[list[str]]]] = field(default_factory=list)
    """What must hold besides, after this fault."""

    async def midway(self, first: float = 0.15, last: float = 0.5) -> None:
        """A random moment of the load."""
        await self.load.reached(self.random.uniform(first, last))


Fault = Callable[[Under], Awaitable[None]]


@dataclass
class Result:
    """What a run came to."""

    fault: str
    seed: int
    acknowledged: int = 0
    refused: int = 0
    unknown: int = 0
    """At first; each was sent again with its key."""
    skipped: int = 0
    """Not sent, since what they are about was not known to be there."""
    mails: int = 0
    uncertain: int = 0
    ready_seconds: float | None = None
    """From the end of the fault until every service was ready; None where all were at its end."""
    level_seconds: float | None = None
    """From the end of the fault until nothing was on its way any more."""
    verdict: str = "kept"
    missing: bool = False
    """It was not run, since this machine lacks what it needs."""
    failed: bool = False
    """It did not come to its end, so what it leaves behind is not known."""
    violations: list[str] = field(default_factory=list)


async def run(site: Site, name: str, fault: Fault, seed: int, steps: int = STEPS) -> Result:
    """Run a fault under load and judge what came of it."""
    result = Result(name, seed)
    random = Random(f"{name}/{seed}")
    prefix = f"f{next(site.runs)}"
    load = Load(site, plan(random, prefix, tickets=TICKETS, steps=steps))
    under = Under(site, load, random)
    clock = asyncio.get_running_loop().time
    try:
        await _prepare(site, load)
        since = await ends(site)
        mails_before = len(site.mails.contents)
        async with open_streams(site, load.tickets) as streams:
            async with asyncio.TaskGroup() as group:
                group.create_task(load.run())
                await fault(under)
                ended = clock()
                if not await site.whole():
                    await site.mended()
                    result.ready_seconds = round(clock() - ended, 1)
            await site.mended()
            result.unknown = load.number("unknown")
            await load.ask_again()
            await site.level()
            result.level_seconds = round(clock() - ended, 1)
            result.violations = await oracle.violations(site, load, streams, since, mails_before)
        for check in under.checks:
            result.violations += await check()
        result.mails = len(site.mails.contents) - mails_before
        result.uncertain = await _uncertain(site, load)
    except* NotRunnable as missing:
        result.missing = True
        result.verdict = f"not runnable here: {_first(missing)}"
    except* Exception as errors:
        result.failed = True
        first = _first(errors)
        told = isinstance(first, AssertionError) and str(first)
        result.violations.append(told or "".join(traceback.format_exception(first))[-2000:])
    result.acknowledged, result.refused = load.number("acknowledged"), load.number("refused")
    result.skipped = load.skipped
    if result.violations:
        result.verdict = f"BROKEN: {len(result.violations)}"
    return result


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def _prepare(site: Site, load: Load) -> None:
    """Publish the run's tickets, and wait until every service knows them."""
    tickets = {lane.ticket_id: lane for lane in load.lanes}
    for ticket_id, lane in sorted(tickets.items()):
        answer = await site.clients.put(
            f"/api/notes/itsm/tickets/{ticket_id}",
            json=ticket_fact(lane, title(ticket_id)),
            headers={"Authorization": site.bearer(ADMINISTRATOR)},
        )
        assert answer.status_code == 200, answer.text
    for database, table in (("notes", "tickets"), ("notifier", "tickets"), ("history", "history.tickets")):

        async def known(database: str = database, table: str = table) -> bool:
            async with site.sql(database) as sql:
                number: int = await sql.fetchval(
                    f"SELECT count(*) FROM {table} WHERE ticket_id = ANY($1::text[])", list(tickets)
                )
                return number == len(tickets)

        await until(known, within=60, what=f"the run's tickets in {database}")


async def ends(site: Site) -> dict[TopicPartition, int]:
    """Where each topic ends now."""
    consumer = AIOKafkaConsumer(**connection(site.kafka))
    await consumer.start()
    try:
        found: dict[TopicPartition, int] = await consumer.end_offsets(await partitions(site.kafka, TOPICS))
        return found
    finally:
        await consumer.stop()


async def _uncertain(site: Site, load: Load) -> int:
    async with site.sql("notifier") as sql:
        number: int = await sql.fetchval(
            "SELECT count(*) FROM mails WHERE state = 'uncertain' AND ticket_id = ANY($1::text[])",
            sorted(load.tickets),
        )
        return number
