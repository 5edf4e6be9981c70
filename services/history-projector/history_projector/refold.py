"""The live generation compared with its tickets' streams, states and mails folded afresh, while both go on.

What differs is looked at again once the live generation has everything that was read: neither what it has not
taken in yet nor what came since is a difference.
"""

import asyncio
from collections.abc import Mapping, Sequence

from relato_contracts.topics import NOTES, NOTIFICATIONS, TICKETS
from relato_runtime import jobs
from relato_runtime.database import Connection
from relato_runtime.jobs import Finding, Job
from relato_runtime.positions import Record
from relato_runtime.settings import ServiceSettings
from relato_runtime.walking import Walk, stretch, walking

from history_projector import refolding
from history_projector.folded import afresh, differences, version

SUBJECT = "fold of history"
_TICKETS_AT_ONCE = 500
_EVENTS_AT_ONCE = 1_000
_ROUNDS = 40
_ROUND_SECONDS = 0.25
_LOOKS = 5
_LOOK_SECONDS = 0.05


async def verify(settings: ServiceSettings, job: Job) -> None:
    """Go on with a verification from where it had come to."""
    async with walking(settings, TICKETS, NOTES, NOTIFICATIONS) as walk:
        connection = walk.connection
        if not job.reached:
            async with connection.transaction():
                await refolding.clear(connection)
                job = await walk.begin(job, "topic", await refolding.count(connection))
        if job.reached["phase"] == "topic":
            job = await walk.read(job, _take)
            async with connection.transaction():
                await connection.execute("ANALYZE folded_records")
                job = await jobs.step(connection, job, job.reached | {"phase": "tickets", "ticket": ""})
        while job.reached["phase"] == "tickets":
            job = await _compare(connection, job)
        while suspects := await refolding.suspects(
            connection, job.id, job.reached["ticket"], _TICKETS_AT_ONCE
        ):
            job = await _again(walk, job, suspects)
        async with connection.transaction():
            await refolding.clear(connection)
            await jobs.finish(connection, job)


def repair(found: Finding) -> str:
    """The command."""
    return "relato events verify" if found.kind == "row-moving" else "relato projections rebuild history"


async def _compare(connection: Connection, job: Job) -> Job:
    """Look at the next tickets."""
    following = await refolding.following(connection, job.reached["ticket"], _TICKETS_AT_ONCE)
    tickets, events = stretch(following, _EVENTS_AT_ONCE)
    findings = await _findings(connection, job, tickets) if tickets else []
    reached = {"ticket": tickets[-1]} if tickets else {"phase": "since", "ticket": ""}
    async with connection.transaction():
        return await jobs.step(connection, job, job.reached | reached, done=events, findings=findings)


async def _again(walk: Walk, job: Job, tickets: Sequence[str]) -> Job:
    """Look at tickets anew until they stand still, with everything that the live generation has.

    Outcomes of mails have no version that tells what has come since: what is found has to be found twice.
    """
    connection = walk.connection
    before: list[Finding] | None = None
    for attempt in range(_ROUNDS):
        ends = await walk.ends()
        async with connection.transaction():
            job = await jobs.step(connection, job, job.reached | {"ends": ends})
        job = await walk.read(job, _take)
        level = await _level(connection, job)
        findings = await _findings(connection, job, tickets)
        still = findings == before and not any(each.kind == "row-moving" for each in findings)
        if not findings or (level and still):
            break
        before = findings
        if attempt + 1 < _ROUNDS:
            await asyncio.sleep(_ROUND_SECONDS)
    async with connection.transaction():
        await refolding.acquit(connection, job.id, tickets)
        return await jobs.step(connection, job, job.reached | {"ticket": tickets[-1]}, findings=findings)


async def _level(connection: Connection, job: Job) -> bool:
    """Whether the live generation has all that was read; under load it is always a moment behind."""
    for look in range(_LOOKS):
        if look:
            await asyncio.sleep(_LOOK_SECONDS)
        taken_in = await refolding.taken_in(connection)
        if all(taken_in.get(place, 0) >= offset for place, offset in job.reached["offsets"].items()):
            return True
    return False


async def _findings(connection: Connection, job: Job, tickets: Sequence[str]) -> list[Finding]:
    """What is not so in the live generation; of a ticket that it knows more of, that alone."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        found = await refolding.rows(connection, tickets)
        taken_in = await refolding.taken_in(connection)
    wanted = afresh(await refolding.records(connection, tickets), taken_in)
    unread = _unread(taken_in, job.reached["ends"])
    findings = []
    for ticket_id in tickets:
        here, there = wanted.get(ticket_id, {}), found[ticket_id]
        different = differences(ticket_id, here, there)
        if different and (unread or version(there) > version(here) > 0):
            findings.append(Finding("row-moving", ticket_id, version(there)))
        else:
            findings += different
    return findings


def _unread(taken_in: Mapping[str, int], ends: Mapping[str, int]) -> bool:
    """Whether the ITSM has said more since; a ticket's state has no version that would tell of which."""
    return any(TICKETS.name in place and offset > ends.get(place, 0) for place, offset in taken_in.items())


async def _take(connection: Connection, records: Sequence[Record]) -> list[Finding]:
    await refolding.keep(connection, records)
    return []  # what is no event of ours is the notes service's to name
