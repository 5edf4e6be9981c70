"""Events of the log to Kafka once more: to their topic after a loss, or to another for whoever asked for it.

Each record says so (``ce_replayid``): nobody is mailed again. What consumers have they drop by its version.
"""

import asyncio
from datetime import datetime

import asyncpg
from relato_runtime import jobs, kafka
from relato_runtime.jobs import Job
from relato_runtime.settings import ServiceSettings

from notes.operating import replays
from notes.operating.replays import Choice
from notes.records import record_of

REPUBLISH = "republish"
_AT_ONCE = 500


async def republish(settings: ServiceSettings, job: Job) -> None:
    """Go on with a replay from where it had come to; after a kill some records may come twice."""
    connection = await asyncpg.connect(
        settings.database_url.get_secret_value(), timeout=5, command_timeout=60
    )
    choice, topic, rate = choice_of(job), str(job.wish["topic"]), int(job.wish["rate"])
    try:
        if not job.reached:
            job = await _begin(connection, job, choice)
        async with kafka.producing(settings, linger_ms=2) as producer:
            clock = asyncio.get_running_loop().time
            while events := await replays.following(
                connection,
                choice,
                (job.reached["ticket"], job.reached["version"]),
                min(_AT_ONCE, rate),
                job.reached["end"],
            ):
                due = clock() + len(events) / rate
                await kafka.send(producer, [record_of(topic, each, replay_id(job)) for each in events])
                last = {"ticket": events[-1].ticket_id, "version": events[-1].version}
                async with connection.transaction():
                    job = await jobs.step(connection, job, job.reached | last, done=len(events))
                await asyncio.sleep(max(0, due - clock()))
        await jobs.finish(connection, job)
    finally:
        await connection.close(timeout=2)


def replay_id(job: Job) -> str:
    """What the records of one replay have in common."""
    return str(job.wish["replay_id"])


def choice_of(job: Job) -> Choice:
    """Which events were asked for."""
    since, until = (
        None if job.wish[each] is None else datetime.fromisoformat(job.wish[each])
        for each in ("since", "until")
    )
    return Choice(job.wish["ticket_id"], job.wish["type"], since, until)


async def _begin(connection: "asyncpg.Connection[asyncpg.Record]", job: Job, choice: Choice) -> Job:
    """What is recorded from now on is published anyway."""
    async with connection.transaction():
        end = await replays.end(connection)
        total = await replays.count(connection, choice, end)
        return await jobs.step(connection, job, {"ticket": "", "version": 0, "end": end}, total=total)
