"""What was said on tickets that have been closed for long goes as what is erased on request, by a job.

Who did what, when and for how long stays, and so do names: a ticket that nobody asked about is no request of
a person. Titles and descriptions are the ITSM's, and by its own rule.
"""

import asyncio
from datetime import UTC, datetime

import asyncpg
from relato_runtime import clearing, jobs
from relato_runtime.jobs import Job
from relato_runtime.settings import ServiceSettings

from notes.privacy import erasures, rewriting
from notes.privacy.erasing import CLEARING
from notes.privacy.silencing import Silence, silence

RETAIN = erasures.RETAIN
_TICKETS_AT_ONCE = 100


async def retain(settings: ServiceSettings, job: Job) -> None:
    """Go on from where it had come to; every step changes nothing when it is done once more."""
    connection = await asyncpg.connect(
        settings.database_url.get_secret_value(), timeout=5, command_timeout=600
    )
    try:
        if not job.reached:
            async with connection.transaction():
                number = (await erasures.due(connection, _before(job)))["events"]
                job = await jobs.step(connection, job, {"phase": "log", "ticket": ""}, total=number)
        while job.reached["phase"] == "log":
            job = await _log(connection, job)
        if job.reached["phase"] == "topics":
            if job.wish.get("again"):
                tickets = await erasures.silenced_by_rule(connection)
            else:
                tickets = await erasures.silenced_by(connection, str(job.wish["correlation_id"]))
            job = await rewriting.rewrite(settings, connection, job, tickets)
            async with connection.transaction():
                job = await jobs.step(connection, job, job.reached | {"phase": "files"})
        job = await clearing.leave(settings, connection, job, CLEARING)
        await jobs.finish(connection, job)
    finally:
        await connection.close(timeout=2)


async def _log(connection: "asyncpg.Connection[asyncpg.Record]", job: Job) -> Job:
    """The next tickets, at the rate that was asked for; behind the last one, the next phase."""
    what = Silence(None, "retention", str(job.wish["by"]), str(job.wish["correlation_id"]))
    clock, rate = asyncio.get_running_loop().time, int(job.wish["rate"])
    tickets = await erasures.long_closed(connection, _before(job), job.reached["ticket"], _TICKETS_AT_ONCE)
    for ticket_id in tickets:
        began = clock()
        async with connection.transaction():
            number = await silence(connection, ticket_id, what, datetime.now(UTC))
            await erasures.discard_drafts(connection, ticket_id)
            job = await jobs.step(connection, job, job.reached | {"ticket": ticket_id}, done=number)
        await asyncio.sleep(max(0, began + number / rate - clock()))
    if not tickets:
        async with connection.transaction():
            job = await jobs.step(connection, job, job.reached | {"phase": "topics"})
    return job


def _before(job: Job) -> datetime:
    return datetime.fromisoformat(job.wish["before"])
