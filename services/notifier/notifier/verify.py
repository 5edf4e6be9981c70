"""Every mail of the ledger is explained by an event, and its end is told: topics, ledger, what came since.

A mail is planned from a record of the topic, so whatever the ledger has, the topic has by then. What became
of it leaves the outbox once Kafka has it, so what the outbox has not, the topic has when it is read again.
"""

from collections.abc import Iterable, Sequence
from shlex import quote
from uuid import UUID

from relato_contracts.envelope import Undecodable, decode, type_name
from relato_contracts.erasure import ERASED
from relato_contracts.notes import (
    AttendantMessaged,
    ChatMessagePosted,
    NoteEvent,
    OccurrenceRecorded,
    OccurrenceVisibilityChanged,
    RequesterMessaged,
)
from relato_contracts.notifications import EmailFact
from relato_contracts.topics import NOTES, NOTIFICATIONS
from relato_runtime import jobs
from relato_runtime.database import Connection
from relato_runtime.jobs import Finding, Job
from relato_runtime.positions import Record
from relato_runtime.settings import ServiceSettings
from relato_runtime.walking import Walk, walking

from notifier import event as events
from notifier import explaining, message, told
from notifier.compose import audience
from notifier.explaining import NOBODY, Explained, Mail
from notifier.told import Told

SUBJECT = "mails"
HARMLESS = frozenset({"unledgered"})
"""Told by a ledger that was put back since; histories have it, and nothing on a topic can be taken back."""
_WAITING_SECONDS = 60
_MAILS_AT_ONCE = 5_000
_TOLD = {
    type_name(fact).encode()
    for fact in (
        OccurrenceRecorded,
        OccurrenceVisibilityChanged,
        RequesterMessaged,
        AttendantMessaged,
        ChatMessagePosted,
    )
}
"""Of the others nobody is ever mailed, so they need not be decoded."""


async def verify(settings: ServiceSettings, job: Job) -> None:
    """Go on with a verification from where it had come to."""
    outcomes = settings.topic_prefix + NOTIFICATIONS.name
    async with walking(settings, NOTES, NOTIFICATIONS) as walk:
        connection = walk.connection
        if not job.reached:
            async with connection.transaction():
                await explaining.clear(connection)
                await told.clear(connection)
                job = await walk.begin(job, "topic", await explaining.count(connection))
        if job.reached["phase"] == "topic":
            job = await walk.read(job, _take)
            async with connection.transaction():
                reached = job.reached | {"phase": "ledger", "mail": str(NOBODY)}
                job = await jobs.step(connection, job, reached)
        while job.reached["phase"] == "ledger":
            job = await _compare(walk, job)
        job = await walk.read(job, _take)
        async with connection.transaction():
            await explaining.reconsider(connection, job.id)
            await told.reconsider(connection, job.id)
            await told.beyond(connection, job.id, outcomes, _WAITING_SECONDS)
            await explaining.clear(connection)
            await told.clear(connection)
            await jobs.finish(connection, job)


async def _compare(walk: Walk, job: Job) -> Job:
    connection = walk.connection
    async with connection.transaction():
        mails = await explaining.following(connection, UUID(job.reached["mail"]), _MAILS_AT_ONCE)
        if not mails:
            reached = job.reached | {"phase": "since", "ends": await walk.ends()}
            return await jobs.step(connection, job, reached)
        found = [each for each in map(judge, mails) if each is not None]
        await told.compare(connection, job.id, UUID(job.reached["mail"]), mails[-1].mail_id)
        reached = job.reached | {"mail": str(mails[-1].mail_id)}
        return await jobs.step(connection, job, reached, done=len(mails), findings=found)


async def _take(connection: Connection, records: Sequence[Record]) -> list[Finding]:
    if records[0].topic.endswith(NOTIFICATIONS.name):
        await told.keep(connection, _told(records))
    else:
        await explaining.keep(connection, list(_explained(records)))
    return []  # what is no event of ours is the notes service's to name


def _explained(records: Iterable[Record]) -> Iterable[Explained]:
    for record in records:
        if dict(record.headers).get("ce_type") not in _TOLD:
            continue
        try:
            envelope, fact = decode(record.key, record.value, record.headers, record.timestamp)
            if not isinstance(fact, NoteEvent) or (told := audience(fact)) is None:
                continue
            event = events.read(envelope, fact)
        except Undecodable:
            continue
        yield Explained(event.id, fact.ticket_id, event.version, events.subject_id(fact), told[0])


def _told(records: Iterable[Record]) -> Iterable[Told]:
    for record in records:
        try:
            _, fact = decode(record.key, record.value, record.headers, record.timestamp)
        except Undecodable:
            continue  # the projector has put it down as a dead letter
        if isinstance(fact, EmailFact):
            state, place = told.STATES[type_name(type(fact))], (record.partition, record.offset)
            yield Told(fact.mail_id, state, fact.ticket_id, fact.event_version, *place)


def judge(mail: Mail) -> Finding | None:
    """Pure: what is wrong with a mail, if anything is."""
    detail = {"mail_id": str(mail.mail_id), "event_id": str(mail.event_id), "state": mail.state}
    if mail.explained is None:
        return Finding("unexplained", mail.ticket_id, mail.version, detail=detail)
    says = Explained(mail.event_id, mail.ticket_id, mail.version, mail.subject_id, mail.parameter)
    differs = [name for name in Explained._fields if getattr(says, name) != getattr(mail.explained, name)]
    named = mail.recipient != ERASED  # of who was erased nobody can tell that it was they
    if named and mail.mail_id != message.mail_id(mail.event_id, mail.recipient, mail.template_id):
        differs.append("mail_id")
    if differs:
        return Finding("misattributed", mail.ticket_id, mail.version, detail=detail | {"differs": differs})
    return None


def repair(found: Finding) -> str | None:
    """Pure: the command; what went out cannot be taken back, only looked at."""
    if found.kind == "untold":
        # A ledger may have been written by anybody, and an operator pastes this into a shell.
        return f"relato emails tell {quote(found.ticket_id or '')}"
    if found.kind == "late-outcome":
        return "relato status"
    if found.kind in HARMLESS:
        return None
    mail_id, state = found.detail["mail_id"], found.detail["state"]
    if state in {"planned", "retry", "rejected", "dead", "uncertain"}:
        return f"relato emails drop {mail_id}"
    return f"relato emails show {mail_id}"
