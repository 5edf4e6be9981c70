"""What the topic has and the log has not, into the log: after a part of it was lost while everything ran."""

from collections.abc import Sequence

from relato_contracts.topics import NOTES
from relato_runtime import jobs
from relato_runtime.database import Connection
from relato_runtime.jobs import Finding, Job
from relato_runtime.positions import Record
from relato_runtime.settings import ServiceSettings
from relato_runtime.walking import walking

from notes.operating import adopt
from notes.operating.adopt import Arrival

ADOPT = "adopt"


async def take_over(settings: ServiceSettings, job: Job) -> None:
    """Go on from where it had come to: byte for byte, each fact that is its stream's next or fills a hole."""
    ticket_id = job.wish["ticket_id"]

    async def take(connection: Connection, records: Sequence[Record]) -> list[Finding]:
        of_ticket = [each for each in records if ticket_id is None or each.key == ticket_id.encode()]
        found = adopt.ours(of_ticket)
        _, contradicting = await adopt.adopt(connection, found) if found else (0, [])
        return [_contradicts(each) for each in contradicting]

    async with walking(settings, NOTES) as walk:
        if not job.reached:
            async with walk.connection.transaction():
                job = await walk.begin(job, "topic", 0)
        job = await walk.read(job, take)
        async with walk.connection.transaction():
            await jobs.finish(walk.connection, job)


def _contradicts(arrival: Arrival) -> Finding:
    record = arrival.record
    where = (record.topic, record.partition, record.offset)
    return Finding("not-adopted", arrival.fact.ticket_id, arrival.version, *where)
