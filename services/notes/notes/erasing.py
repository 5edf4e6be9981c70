"""A person is erased, as a job: in the log first, then beside it, then on topics.

Every step commits with how far the job is, and changes nothing when it is done once more.
"""

import asyncio
from datetime import datetime

import asyncpg
from relato_contracts.envelope import Envelope, encode
from relato_contracts.people import PersonErased
from relato_contracts.topics import ERASURES
from relato_runtime import erased, jobs, kafka
from relato_runtime.jobs import Job
from relato_runtime.settings import ServiceSettings

from notes import erasures, restating, rewriting
from notes.adopt import SOURCE
from notes.silencing import Silence, silence

ERASE = "erase"
SUBJECT = "people"
_TICKETS_AT_ONCE = 100


async def erase(settings: ServiceSettings, job: Job) -> None:
    """Go on with an erasure from where it had come to."""
    connection = await asyncpg.connect(
        settings.database_url.get_secret_value(), timeout=5, command_timeout=600
    )
    try:
        if not job.reached:
            job = await _begin(connection, job)
        while job.reached["phase"] == "log":
            job = await _log(connection, job)
        if job.reached["phase"] == "people":
            job = await _people(settings, connection, job)
        if job.reached["phase"] == "topics":
            tickets = await erasures.silenced(connection, str(job.wish["person_id"]))
            job = await rewriting.rewrite(settings, connection, job, tickets)
        await jobs.finish(connection, job)
    finally:
        await connection.close(timeout=2)


async def _begin(connection: "asyncpg.Connection[asyncpg.Record]", job: Job) -> Job:
    person_id = str(job.wish["person_id"])
    async with connection.transaction():
        await erased.remember(connection, person_id, _moment(job))
        number = (await erasures.held(connection, person_id))["events"]
        reached = {"phase": "log", "ticket": "", "tickets": 0}
        return await jobs.step(connection, job, reached, total=number)


async def _log(connection: "asyncpg.Connection[asyncpg.Record]", job: Job) -> Job:
    """The next tickets, at the rate that was asked for; behind the last one, the next phase."""
    person_id, rate = str(job.wish["person_id"]), int(job.wish["rate"])
    what = Silence(person_id, "request", str(job.wish["by"]), str(job.wish["correlation_id"]))
    clock = asyncio.get_running_loop().time
    tickets = await erasures.tickets(connection, person_id, job.reached["ticket"], _TICKETS_AT_ONCE)
    for ticket_id in tickets:
        began = clock()
        async with connection.transaction():
            number = await silence(connection, ticket_id, what, _moment(job))
            reached = {"ticket": ticket_id, "tickets": job.reached["tickets"] + 1}
            job = await jobs.step(connection, job, job.reached | reached, done=number)
        await asyncio.sleep(max(0, began + number / rate - clock()))
    if not tickets:
        async with connection.transaction():
            await erasures.forget(connection, person_id)
            await erased.forget(connection, person_id)
            job = await jobs.step(connection, job, job.reached | {"phase": "people"})
    return job


async def _people(
    settings: ServiceSettings, connection: "asyncpg.Connection[asyncpg.Record]", job: Job
) -> Job:
    """Tell all services, then let the ITSM's topics say no more than that there was somebody."""
    person_id = str(job.wish["person_id"])
    fact = PersonErased(person_id=person_id, erased_at=_moment(job), tickets=job.reached["tickets"])
    envelope = Envelope(
        id=str(job.wish["fact_id"]),
        source=SOURCE,
        time=_moment(job),
        subject=person_id,
        actor=str(job.wish["by"]),
        correlation_id=str(job.wish["correlation_id"]),
    )
    key, value, headers = encode(fact, envelope)
    async with kafka.producing(settings) as producer:
        record = kafka.OutgoingRecord(settings.topic_prefix + ERASURES.name, key, value, headers)
        await kafka.send(producer, [record])
        await kafka.send(producer, await restating.restated(settings, person_id, str(job.wish["by"])))
    async with connection.transaction():
        return await jobs.step(connection, job, job.reached | {"phase": "topics"})


def _moment(job: Job) -> datetime:
    return datetime.fromisoformat(job.wish["erased_at"])
