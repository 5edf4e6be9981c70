"""The log compared with its topic, while both go on: the topic, then the log beside it, then what came since.

Beside it each ticket's chain is recomputed, and all signed heads that were published are held against it, as
it is against them: what was old when the verification began has to be in one.

What is published is committed before, so whatever was read of the topic the log has. What is committed is
published before it leaves the outbox, so whatever the log has and the outbox has not, the topic has by now.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from relato_contracts.topics import NOTES
from relato_runtime import jobs
from relato_runtime.database import Connection
from relato_runtime.jobs import Finding, Job
from relato_runtime.positions import Record
from relato_runtime.walking import Walk, stretch, walking

from notes import signing
from notes.operating import accepted, checking
from notes.operating.adopt import SOURCE
from notes.operating.checking import Checked
from notes.proof import covered
from notes.proof.proving import prove
from notes.proof.witnessing import allowed, witness
from notes.settings import NotesSettings

_EVENTS_AT_ONCE = 20_000
_TICKETS_AT_ONCE = 2_000


async def verify(settings: NotesSettings, job: Job) -> None:
    """Go on with a verification from where it had come to."""
    topic = settings.topic_prefix + NOTES.name
    async with walking(settings, NOTES) as walk:
        connection = walk.connection
        if not job.reached:
            async with connection.transaction():
                await checking.clear(connection)
                await covered.begin(connection, allowed(settings, job))
                job = await walk.begin(job, "topic", await checking.count(connection))
        if job.reached["phase"] == "topic":
            job = await walk.read(job, _take)
            async with connection.transaction():
                await checking.analyse(connection)
                job = await jobs.step(connection, job, job.reached | {"phase": "log", "ticket": ""})
        while job.reached["phase"] == "log":
            job = await _compare(walk, job, topic)
        job = await walk.read(job, _take)
        keys = signing.keys(job.wish.get("log_keys") or ()) or signing.known(settings)
        job = await witness(settings, connection, job, keys, job.wish.get("kept_heads") or ())
        async with connection.transaction():
            await checking.reconsider(connection, job.id)
            await checking.waiting(connection, job.id, topic, int(job.wish["outbox_seconds"]))
            await checking.clear(connection)
            await jobs.finish(connection, job)


async def _compare(walk: Walk, job: Job, topic: str) -> Job:
    """Look at the log's next tickets, beside what was read, some thousand events at a time."""
    connection, after = walk.connection, job.reached["ticket"]
    following = await checking.following(connection, after, _TICKETS_AT_ONCE)
    tickets, events = stretch(following, _EVENTS_AT_ONCE)
    until = tickets[-1] if tickets else None
    forged = [] if until is None else await prove(connection, after, until)
    async with connection.transaction():
        await checking.compare(connection, job.id, topic, after, until)
        if until is not None:
            reached = job.reached | {"ticket": until}
            return await jobs.step(connection, job, reached, done=events, findings=forged)
        # Whatever left the outbox while the log was read lies before these ends.
        reached = job.reached | {"phase": "since", "ends": await walk.ends()}
        return await jobs.step(connection, job, reached)


async def _take(connection: Connection, records: Sequence[Record]) -> list[Finding]:
    read = read_all(records)
    await checking.keep(connection, read.checked)
    known = await accepted.known(connection, read.foreign, "foreign")
    return [_foreign(each, accepted=(each.partition, each.offset) in known) for each in read.foreign]


def _foreign(record: Record, *, accepted: bool) -> Finding:
    where = (record.topic, record.partition, record.offset)
    if accepted:
        return Finding("accepted", None, None, *where, {"was": "foreign"})
    return Finding("foreign", None, None, *where)


class Read(NamedTuple):
    """What records are: ours, as they are compared, or not ours."""

    checked: list[Checked]
    foreign: list[Record]


def read_all(records: Iterable[Record]) -> Read:
    """Pure: records by what their headers say; their values are compared and need not be understood."""
    read = Read([], [])
    for record in records:
        checked = _read(record)
        if checked is None:
            read.foreign.append(record)
        else:
            read.checked.append(checked)
    return read


def _read(record: Record) -> Checked | None:
    headers = dict(record.headers)
    version = headers.get("ce_streamversion") or b""
    event_id, fact_type, value = headers.get("ce_id"), headers.get("ce_type"), record.value
    if headers.get("ce_source") != SOURCE.encode() or not version.isdigit() or len(version) > 9:
        return None
    if record.key is None or event_id is None or fact_type is None or value is None:
        return None
    try:
        ticket_id, text = record.key.decode(), event_id.decode()
    except UnicodeDecodeError:
        return None
    if "\0" in ticket_id or "\0" in text:
        return None
    return Checked(
        *(ticket_id, int(version), record.partition, record.offset, text, _time(headers.get("ce_time"))),
        accepted.digest(record) + _whence(headers),
        "ce_replayid" in headers,
    )


def _whence(headers: Mapping[str, bytes | None]) -> bytes:
    """Who did it, and in which request, as a digest of each."""
    return b"".join(sha256(headers.get(name) or b"").digest() for name in ("ce_actor", "ce_correlationid"))


def _time(raw: bytes | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat((raw or b"").decode())
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
