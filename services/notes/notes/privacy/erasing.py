"""A person is erased, as a job: in the log first, then beside it, then on topics.

Every step commits with how far the job is, and changes nothing when it is done once more.
"""

import asyncio
from datetime import datetime
from pathlib import Path

import asyncpg
from relato_contracts.envelope import Envelope, encode
from relato_contracts.people import PersonErased
from relato_contracts.topics import ERASURES, NOTES, dead_letters
from relato_runtime import clearing, erased, jobs, kafka, remains
from relato_runtime.clearing import Clearing
from relato_runtime.database import Connection
from relato_runtime.jobs import Finding, Job
from relato_runtime.settings import ServiceSettings
from uuid6 import uuid7

from notes.operating.adopt import SOURCE
from notes.privacy import erasures, remembering, restating, rewriting
from notes.privacy.restating import Restating
from notes.privacy.silencing import Silence, silence

ERASE, SUBJECT = erasures.ERASE, erasures.SUBJECT
RATE, PATIENCE_SECONDS = erasures.RATE, erasures.PATIENCE_SECONDS
_TICKETS_AT_ONCE = 100
_LOOK_SECONDS = 0.05


async def erase(settings: ServiceSettings, job: Job, file: Path | None = None) -> None:
    """Go on with an erasure from where it had come to; first of all, it is known outside of the database."""
    if file is not None:
        await asyncio.to_thread(remembering.write, file, str(job.wish["person_id"]), _moment(job))
    connection = await asyncpg.connect(
        settings.database_url.get_secret_value(), timeout=5, command_timeout=600
    )
    try:
        if not job.reached:
            job = await _begin(connection, job)
        if job.reached["phase"] == "log":
            await _dismiss(connection, str(job.wish["person_id"]))
        while job.reached["phase"] == "log":
            job = await _log(connection, job)
        if job.reached["phase"] == "people":
            job = await _people(settings, connection, job)
        if job.reached["phase"] == "topics":
            tickets = set(await erasures.silenced(connection, str(job.wish["person_id"])))
            if job.wish.get("again"):
                tickets |= set(await erasures.silenced_by_rule(connection))
            job = await rewriting.rewrite(settings, connection, job, tickets)
            async with connection.transaction():
                await remains.gone(connection, str(job.wish["person_id"]), NOTES.name)
                job = await jobs.step(connection, job, job.reached | {"phase": "files"})
        job = await clearing.leave(settings, connection, job, CLEARING)
        async with connection.transaction():
            await erased.done(connection, str(job.wish["person_id"]))
            await jobs.finish(connection, job)
    finally:
        await connection.close(timeout=2)


def wish(
    person_id: str,
    erased_at: datetime,
    *,
    by: str = "relato",
    rate: int = RATE,
    patience: int = PATIENCE_SECONDS,
) -> dict[str, object]:
    """What a job has to know; ids are given out once, so that what is said twice is the same."""
    return {
        "person_id": person_id,
        "erased_at": erased_at.isoformat(),
        "by": by,
        "rate": rate,
        "patience": patience,
        "fact_id": str(uuid7()),
        "correlation_id": str(uuid7()),
    }


async def _begin(connection: "asyncpg.Connection[asyncpg.Record]", job: Job) -> Job:
    person_id = str(job.wish["person_id"])
    async with connection.transaction():
        number = (await erasures.held(connection, person_id))["events"]
        said = {NOTES.name: number, **await erasures.said(connection, person_id)}
        await remains.keep(connection, person_id, said)
        await erased.remember(connection, person_id, _moment(job))
        reached = {"phase": "log", "ticket": "", "tickets": 0}
        return await jobs.step(connection, job, reached, total=number)


async def _dismiss(connection: "asyncpg.Connection[asyncpg.Record]", person_id: str) -> None:
    """They say nothing more: else a ticket that has been dealt with would get words that nobody looks for.

    Whatever had begun before either is known ends first: a fact of the ITSM that says who they are, and then
    a command that they were still allowed.
    """
    await _under_way(connection)
    await erasures.dismiss(connection, person_id)
    await _under_way(connection)


async def _under_way(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Until every transaction that is under way has ended."""
    before = await erasures.under_way(connection)
    while not await erasures.ended(connection, before):  # noqa: ASYNC110  # they are other processes'
        await asyncio.sleep(_LOOK_SECONDS)


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
            letters = (await erased.held(connection, person_id))["dead_letters"]
            await remains.keep(connection, person_id, {dead_letters("notes").name: letters})
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
    restated = Restating(str(job.wish["by"]), int(job.wish["rate"]), int(job.wish["patience"]))
    more = await restating.restate(settings, person_id, restated)
    found = [Finding("not-compacted", topic=settings.topic_prefix + each.name) for each in more]
    async with connection.transaction():
        clean = [each.name for each in restating.TOPICS if each not in more]
        await remains.gone(connection, person_id, *clean)
        return await jobs.step(connection, job, job.reached | {"phase": "topics"}, findings=found)


async def _tables(_connection: Connection) -> list[str]:
    return _TABLES


_TABLES = [
    *("events", "outbox", "idempotency_keys", "drafts", "people", "presence", "imported_lines"),
    *("accepted_records", "dead_letters", "operations", "jobs", "job_findings"),
]
CLEARING = Clearing("notes", erasures.held, _tables)


def _moment(job: Job) -> datetime:
    return datetime.fromisoformat(job.wish["erased_at"])
