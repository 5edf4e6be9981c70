"""What an erasure leaves on a service's disks and dead letters once its rows say no more: for its jobs."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg
from aiokafka.structs import TopicPartition
from relato_contracts.erasure import ERASED
from relato_contracts.topics import dead_letters

from relato_runtime import erased, jobs, kafka, leftovers, remains, tail, trimming
from relato_runtime.caller import Caller
from relato_runtime.database import Connection, Pool
from relato_runtime.jobs import Job
from relato_runtime.operations import Operation
from relato_runtime.readiness import Readiness
from relato_runtime.refusals import Held
from relato_runtime.settings import ServiceSettings
from relato_runtime.trimming import CLOSING

CLEAR = "clear"
SUBJECT = "erased people"
_LOOK_SECONDS = 2.0
QUIET = timedelta(seconds=30)
"""For how long nothing has to have gone from rows before files are written anew: once for many tickets."""
_LARGE_SECONDS = 3_600
_MARKER = {"reason": "erased", "error": "What lay before this was erased."}
_RELATO = Caller("relato", "Relato", frozenset())

Wish = Callable[[str, datetime], dict[str, object]]
"""What is wished for of a job about somebody who was erased at that time."""


async def _no_topics(_connection: Connection, job: Job) -> Job:
    return job


@dataclass(frozen=True, slots=True)
class Clearing:
    """How a service clears what is its own."""

    service: str
    count: Callable[[Connection, str], Awaitable[dict[str, int]]]
    """By table, how many rows still hold something of a person."""
    tables: Callable[[Connection], Awaitable[Sequence[str]]]
    """Those in whose files there may be something of anybody."""
    topics: Callable[[Connection, Job], Awaitable[Job]] = _no_topics
    """Goes on with what is to be done to topics of its own."""


def about(person_id: str, _erased_at: datetime) -> dict[str, object]:
    """All that most services have to know."""
    return {"person_id": person_id}


async def look(
    pool: Pool,
    readiness: Readiness,
    part: str,
    *,
    kind: str = CLEAR,
    subject: str = SUBJECT,
    wish: Wish = about,
) -> None:
    """Begin a job for whoever has been erased and still lies somewhere, one at a time; a loop.

    And for what was said and has gone from the rows, once no more of it comes.
    """
    of_person = Operation(subject, kind, _RELATO, "they have been erased", dry_run=False)
    of_texts = Operation(SUBJECT, CLEAR, _RELATO, "texts have been erased", dry_run=False)
    while True:
        async with pool.acquire() as connection:
            if (person := await erased.pending(connection)) is not None:
                await _begin(connection, of_person, wish(*person), person[0])
            elif await leftovers.due(connection, QUIET):
                await _begin(connection, of_texts, {}, None)
        readiness.has(part)
        await asyncio.sleep(_LOOK_SECONDS)


class _Done(Exception):
    """There is nothing to be done any more."""


async def _begin(
    connection: Connection, operation: Operation, wish: dict[str, object], target: str | None
) -> None:
    with suppress(Held, _Done):  # somebody is at it, or was
        async with connection.transaction():
            await jobs.begin(connection, operation, wish, target)
            # That may have waited for the end of one that has just done all of this.
            person = await erased.pending(connection)
            if (person and person[0]) != target:
                raise _Done


async def clear(settings: ServiceSettings, job: Job, clearing: Clearing) -> None:
    """Go on with what is left to do once a service has forgotten somebody, or texts, in its rows."""
    connection = await asyncpg.connect(
        settings.database_url.get_secret_value(), timeout=5, command_timeout=600
    )
    person_id: str | None = job.wish.get("person_id")
    try:
        if person_id is not None:
            job = await _without(connection, job, clearing, person_id)
            job = await clearing.topics(connection, job)
        if "since" not in job.reached:
            job = await _reached(connection, job, since=(await leftovers.now(connection)).isoformat())
        job = await leave(settings, connection, job, clearing)
        async with connection.transaction():
            if person_id is not None:
                await erased.done(connection, person_id)
            await leftovers.cleared(connection, datetime.fromisoformat(job.reached["since"]))
            await jobs.finish(connection, job)
    finally:
        await connection.close(timeout=2)


async def _without(connection: Connection, job: Job, clearing: Clearing, person_id: str) -> Job:
    """Once no row says anything of them: most go with facts that consumers take in.

    What does not is what came since, such as a dead letter that was kept while its program was not up to it.
    """
    while True:
        async with connection.transaction():
            await erased.forget(connection, person_id)
        left = sum((await clearing.count(connection, person_id)).values())
        if not left:
            return job
        job = await _reached(connection, job, rows=left)
        await asyncio.sleep(_LOOK_SECONDS)


async def leave(settings: ServiceSettings, connection: Connection, job: Job, clearing: Clearing) -> Job:
    """Give up what the topic of dead letters has, and write tables anew; what is done is not done again."""
    if not job.reached.get("dead_letters"):
        await _give_up_dead_letters(settings, clearing.service)
        async with connection.transaction():
            if (person_id := job.wish.get("person_id")) is not None:
                await remains.gone(connection, str(person_id), dead_letters(clearing.service).name)
            job = await jobs.step(connection, job, job.reached | {"dead_letters": True})
    job = await _unread(connection, job)
    await connection.execute("SET lock_timeout = '20s'")
    for table in [*await clearing.tables(connection), "pg_catalog.pg_statistic"]:
        if table not in job.reached.get("tables", []):
            # A table that is written anew leaves its old file behind, which is deleted at once; samples of
            # texts that the planner keeps are in the last of them.
            await connection.execute(f"VACUUM (FULL, ANALYZE) {table}", timeout=_LARGE_SECONDS)
            job = await _reached(connection, job, tables=[*job.reached.get("tables", []), table])
    return job


async def _unread(connection: Connection, job: Job) -> Job:
    """Once nobody reads who began before rows had gone: what they see would get to the new files."""
    if "behind" not in job.reached:
        behind = await connection.fetchval("SELECT pg_current_xact_id()::text")
        job = await _reached(connection, job, behind=behind)
    while before := await connection.fetchval(_BEFORE, job.reached["behind"]):
        waits = f"What has gone from rows is kept by transactions of PostgreSQL's processes {before}."
        async with connection.transaction():
            job = await jobs.step(connection, job, job.reached, trouble=waits)
        await asyncio.sleep(_LOOK_SECONDS)
    return job


# Of other roles only what pg_read_all_stats shows.
_BEFORE = """
    SELECT string_agg(pid::text, ', ' ORDER BY pid) FROM pg_stat_activity
    WHERE (datname IS NULL OR datname = current_database()) AND pid <> pg_backend_pid()
        AND age(backend_xmin) > age($1::text::xid8::xid)
"""


async def _reached(connection: Connection, job: Job, **more: Any) -> Job:
    async with connection.transaction():
        return await jobs.step(connection, job, job.reached | more)


async def _give_up_dead_letters(settings: ServiceSettings, service: str) -> None:
    """What they say the table of dead letters has, too, and can forget singly."""
    topic = dead_letters(service)
    name = settings.topic_prefix + topic.name
    async with (
        tail.reading(settings, topic) as reader,
        trimming.trimming(settings) as trimmer,
        trimmer.configured(name, CLOSING),
        kafka.producing(settings) as producer,
    ):
        begins = await reader.consumer.beginning_offsets(reader.partitions)
        ends = await reader.consumer.end_offsets(reader.partitions)
        before: dict[TopicPartition, int] = {}
        for partition in reader.partitions:
            if begins[partition] < ends[partition]:
                why = {**_MARKER, "topic": name, "partition": str(partition.partition), "offset": "0"}
                headers = [(f"relato_dead_{what}", text.encode()) for what, text in why.items()]
                placed = await producer.send_and_wait(
                    name, ERASED.encode(), partition=partition.partition, headers=headers
                )
                before[partition] = placed.offset
        if before:
            await trimmer.give_up(before)
