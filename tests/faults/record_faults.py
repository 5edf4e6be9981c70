"""Records that come twice, from the start, or that nobody can read."""

from collections import Counter
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from history_projector import consume as history_consume
from history_projector import reference as history_reference
from notes import reference as notes_reference
from notifier import consume as notifier_consume
from relato.records import partitions, read
from relato_contracts.envelope import Envelope, encode
from relato_contracts.fields import Fact
from relato_contracts.itsm import CategorySaved
from relato_contracts.notifications import EmailAccepted
from relato_contracts.people import PersonErased
from relato_contracts.presence import PersonPresent
from relato_contracts.topics import ERASURES, ITSM, NOTES, NOTIFICATIONS, PRESENCE, Topic
from relato_runtime import kafka
from relato_runtime.kafka import OutgoingRecord
from relato_runtime.positions import Record

from tests.faults.run import Under, ends
from tests.faults.site import Site
from tests.support import stream, world

EVENTS = (NOTES, NOTIFICATIONS, PRESENCE)
"""Topics whose records say what happened; those of the others say what is, and an old one is a change."""
READ = (*EVENTS, ERASURES, *ITSM)
"""The topics that somebody consumes."""
_LARGE_BYTES = 3 * 1024 * 1024
GROUPS = {
    "history-projector": ("relato.history/1", "relato.history-reference"),
    "notifier": ("relato.notifier",),
    "notes": ("relato.notes-reference",),
}


async def delivered_again(under: Under) -> None:
    """Every record of the run so far comes once more, byte for byte, in the middle of the others."""
    site = under.site
    since = await ends(site)
    await under.load.reached(0.5)
    again: list[Record] = []
    async for records in read(site.kafka, EVENTS):
        again += [
            record
            for record in records
            if record.offset >= since[TopicPartition(record.topic, record.partition)]
        ]
    assert again, "there was nothing to deliver again"
    async with kafka.producing(site.kafka) as producer:
        await kafka.send(producer, (_again(record) for record in again))


def _again(record: Record) -> OutgoingRecord:
    return OutgoingRecord(record.topic, record.key, record.value, list(record.headers))


async def offsets_reset(under: Under) -> None:
    """The groups' offsets go back to the start while their consumers are away."""
    site = under.site
    await under.midway()
    for service, groups in GROUPS.items():
        async with site.held(service):
            for group in groups:
                await _reset(site, group)


async def _reset(site: Site, group: str) -> None:
    consumer = AIOKafkaConsumer(
        **kafka.connection(site.kafka),
        group_id=group,
        enable_auto_commit=False,
        isolation_level="read_committed",
    )
    await consumer.start()
    try:
        topics = await consumer.topics()
        assigned = [
            each
            for each in await partitions(site.kafka, READ)
            if each.topic in topics and await _committed(consumer, each)
        ]
        assert assigned, f"the group {group} has no offsets"
        consumer.assign(assigned)
        await consumer.commit({each: OffsetAndMetadata(0, "") for each in assigned})
    finally:
        await consumer.stop()


async def _committed(consumer: AIOKafkaConsumer, partition: TopicPartition) -> bool:
    return await consumer.committed(partition) is not None


async def positions_reset(under: Under) -> None:
    """The consumers' own positions go back to the start: they read everything again."""
    site = under.site
    await under.midway()
    for service, database in (("history-projector", "history"), ("notifier", "notifier"), ("notes", "notes")):
        async with site.held(service), site.sql(database) as sql:
            lowered = await sql.execute("UPDATE positions SET next_offset = 0 WHERE next_offset > 0")
            assert lowered != "UPDATE 0", f"{database} has no positions"


async def broken_between_good(under: Under) -> None:
    """Undecodable, unknown and oversized records on every topic, on all its partitions."""
    site = under.site
    await under.midway()
    before = await _listed(site)
    sent: list[OutgoingRecord] = []
    # Foreign producers have limits of their own: what counts for the broker is the compressed size.
    async with AIOKafkaProducer(
        **kafka.connection(site.kafka), compression_type="gzip", max_request_size=2 * _LARGE_BYTES
    ) as producer:
        for place in await partitions(site.kafka, READ):
            for record in _broken(next(topic for topic in READ if topic.name == place.topic)):
                await producer.send_and_wait(
                    record.topic,
                    record.value,
                    record.key,
                    partition=place.partition,
                    headers=list(record.headers),
                )
                sent.append(record)
    under.checks.append(lambda: _all_listed(site, sent, before))


def _broken(topic: Topic) -> list[OutgoingRecord]:
    """One of each kind, about a ticket of nobody's load."""
    key = b"broken-1"
    good_key, value, headers = encode(
        _good(topic), Envelope(id=str(stream.uuid(1)), source="/itsm", time=world.OPENED_AT)
    )
    unknown = [(name, b"itsm.Surprise.v1" if name == "ce_type" else text) for name, text in headers]
    newer = [(name, text.replace(b".v1", b".v9") if name == "ce_type" else text) for name, text in headers]
    large = b'{"more": "' + b"x" * _LARGE_BYTES
    return [
        OutgoingRecord(topic.name, key, b"\xff\xfe not JSON", headers),
        OutgoingRecord(topic.name, key, b"{}", []),
        OutgoingRecord(topic.name, key, value, unknown),
        OutgoingRecord(topic.name, good_key, value, newer),
        OutgoingRecord(topic.name, key, value, [*headers, ("ce_null", None)]),
        OutgoingRecord(topic.name, key, large, headers),
        # The broker itself refuses a record without key on a compacted topic.
        *([] if topic.compacted else [OutgoingRecord(topic.name, None, value, headers)]),
    ]


def _good(topic: Topic) -> Fact:
    ticket = "broken-1"
    match topic.name:
        case "relato.notes":
            return stream.recorded(1, ticket_id=ticket)
        case "relato.presence":
            return PersonPresent(ticket_id=ticket, person_id="carlos", state="viewing", until=world.OPENED_AT)
        case "relato.people":
            return PersonErased(person_id="broken", erased_at=world.OPENED_AT, tickets=0)
        case "relato.notifications":
            return stream.mailed(EmailAccepted, 1, 1).model_copy(update={"ticket_id": ticket})
        case "itsm.tickets":
            return world.ticket(ticket)
        case "itsm.people":
            return world.person("broken")
        case "itsm.groups":
            return world.group("broken")
        case "itsm.parameters":
            return world.parameter(999, "S")
        case "itsm.email-templates":
            return world.template("broken")
        case _:
            return CategorySaved(category_id="broken", name="Broken", active=True)


CONSUMED = {
    "notes": notes_reference.TOPICS,
    "notifier": notifier_consume.TOPICS,
    "history": (*history_consume.TOPICS, *history_reference.TOPICS),
}


async def _listed(site: Site) -> Counter[tuple[str, str]]:
    """How many dead letters there are, by database and topic."""
    numbers: Counter[tuple[str, str]] = Counter()
    for database in CONSUMED:
        async with site.sql(database) as sql:
            rows = await sql.fetch("SELECT topic, count(*) AS number FROM dead_letters GROUP BY topic")
        numbers.update({(database, row["topic"]): row["number"] for row in rows})
    return numbers


async def _all_listed(
    site: Site, sent: Sequence[OutgoingRecord], before: Counter[tuple[str, str]]
) -> list[str]:
    """Each consumer's dead letters hold each broken record of this run, and nothing else of it."""
    now = await _listed(site)
    # A topic that two consumers of a database read is listed twice.
    wanted: Counter[tuple[str, str]] = Counter()
    for database, topics in CONSUMED.items():
        for topic in topics:
            wanted[database, topic.name] += sum(each.topic == topic.name for each in sent)
    return [
        f"{database} lists {now[database, topic] - before[database, topic]} records of {topic}"
        f" since the fault, not {wanted[database, topic]}"
        for database, topic in sorted(wanted | now)
        if now[database, topic] - before[database, topic] != wanted[database, topic]
    ]
