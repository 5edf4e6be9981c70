"""The history goes on from topics with more partitions, and tells no change that never was."""

from collections.abc import Awaitable, Callable

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from history_projector.consume import TOPICS
from history_projector.settings import ProjectorSettings
from pydantic import SecretStr
from relato_contracts import topics
from relato_contracts.topics import NOTES
from relato_runtime import kafka, tail
from relato_runtime.positions import Record

from tests.conftest import PARTITIONS
from tests.integration.history_projector.conftest import Projecting, running
from tests.integration.history_projector.test_rebuild import TICKET_IDS, differences, history
from tests.support import world
from tests.support.issuer import Issuer
from tests.support.letters import Letters


async def copied(old: ProjectorSettings, new: ProjectorSettings) -> None:
    """As MirrorMaker copies: partition by partition; notes as the log publishes them to more partitions."""
    async with kafka.producing(new) as producer:
        for topic in TOPICS:
            async with tail.reading(old, topic) as reader:
                ends = await reader.consumer.end_offsets(reader.partitions)
                for partition, end in ends.items():
                    async for records in reader.records(partition, 0, end):
                        for record in records:
                            await _sent(
                                producer, new.topic_prefix + topic.name, record, keeps=topic is not NOTES
                            )


async def _sent(producer: AIOKafkaProducer, topic: str, record: Record, *, keeps: bool) -> None:
    await producer.send_and_wait(
        topic,
        value=record.value,
        key=record.key,
        headers=list(record.headers),
        partition=record.partition if keeps else None,
    )


async def entries(projector: Projecting) -> list[tuple[object, ...]]:
    rows = await projector.database.fetch("SELECT * FROM history_1.ticket_entries ORDER BY 1, 2, 3, 4")
    return [tuple(row) for row in rows]


async def test_a_history_that_moves_to_more_partitions_stays_as_it_is_and_goes_on(
    database: Callable[..., Awaitable[str]], kafka_bootstrap: str, topic_prefix: str, issuer: Issuer
) -> None:
    old = ProjectorSettings(
        database_url=SecretStr(await database("history_projector")),
        kafka_bootstrap=kafka_bootstrap,
        topic_prefix=topic_prefix,
        oidc_issuer=issuer.url,
    )
    new = old.model_copy(update={"topic_prefix": f"{topic_prefix}more."})
    async with running(old, issuer) as projector:
        await history(projector)
        broken = kafka.OutgoingRecord(topic_prefix + NOTES.name, b"elsewhere", b"{", [])
        await projector.publish(broken)
        await projector.level(1)
        before = await entries(projector)
    await kafka.create_topics(
        new, [each for each in topics.TOPICS if each is not NOTES], partitions=PARTITIONS
    )
    await kafka.create_topics(new, [NOTES], partitions=2 * PARTITIONS)
    try:
        await copied(old, new)
        async with running(new, issuer) as projector:
            await projector.level(1)
            assert await entries(projector) == before
            later = world.ticket(TICKET_IDS[2], status="closed", title="Outra")
            await projector.publish(world.record(new, later))
            await projector.level(1)
            told = [row for row in await entries(projector) if row not in before]
            assert [(row[0], row[5]) for row in told] == [(TICKET_IDS[2], "status-changed")]
            # What was parked on the old topic came on the new one again.
            letters = Letters(projector.http, issuer, "history-projector")
            outcomes = await letters.done("retry", consumer="history/1")
            assert sorted(outcome for _, outcome in outcomes) == ["failed", "superseded"]
            # And a rebuild comes to the same, and can be switched to: nobody waits for topics that are gone.
            await projector.done("rebuild")
            await projector.level(2)
            # What waits for a version says of which topic it came.
            assert (await differences(projector, 1, 2)).keys() <= {"parked_records"}
            await projector.done("switch", generation=2)
    finally:
        admin = AIOKafkaAdminClient(**kafka.connection(new))
        await admin.start()
        try:
            await admin.delete_topics([new.topic_prefix + each.name for each in topics.TOPICS])
        finally:
            await admin.close()
