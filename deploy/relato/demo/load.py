"""Loads the demonstration data: facts to Kafka as any ITSM does, then what people do, over HTTP."""

from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid5

from relato_contracts.envelope import Envelope, Undecodable, decode, encode, type_name
from relato_contracts.fields import Fact
from relato_contracts.topics import ITSM, TOPIC_OF, key_of
from relato_runtime import kafka
from relato_runtime.settings import KafkaSettings

from relato import records
from relato.demo import api
from relato.demo.plan import SEED, Plan, Said, Standing, plan
from relato.demo.waiting import taken_in
from relato.reach import Reach

SOURCE = "/itsm/demonstration"
_IDS = UUID("0d3f1b62-1f0c-4a54-8c39-7a0f5f1b9b1e")
Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was done, or in a dry run would be."""

    published: int
    requested: int
    without_requests: bool = False
    """Tokens come from somebody else's issuer, so nobody could be acted for."""


async def load(reach: Reach, progress: Progress, *, dry_run: bool = False) -> Loaded:
    """Load what is missing; raises StackError, among them OthersTickets, when it cannot be."""
    settings = reach.kafka()
    todo = plan(await standing(settings), datetime.now(UTC))
    may_act = reach.issues_tokens()
    done = Loaded(todo.published, todo.requested if may_act else 0, not may_act and todo.requested > 0)
    if not dry_run and todo.published:
        await _carry_out(reach, settings, todo, progress)
    return done


async def _carry_out(reach: Reach, settings: KafkaSettings, todo: Plan, progress: Progress) -> None:
    progress("facts", 0, todo.published)
    await _publish(settings, todo.mark)
    await _publish(settings, todo.facts)
    progress("facts", len(todo.mark) + len(todo.facts), todo.published)
    await taken_in(settings, "notes-reference")
    if reach.issues_tokens() and todo.stories:
        await api.act(reach, todo.stories, SEED, lambda done: progress("requests", done, todo.requested))
    await _publish(settings, todo.ends)
    progress("facts", todo.published, todo.published)
    await taken_in(settings, "history-reference")


async def standing(settings: KafkaSettings) -> Standing:
    """What the topics of the ITSM say now; records that are no facts of ours are left aside."""
    found: dict[tuple[type[Fact], str], Fact] = {}
    async with aclosing(records.read(settings, ITSM)) as batches:
        async for batch in batches:
            for record in batch:
                if record.value is None:
                    key = (record.key or b"").decode(errors="replace")
                    facts = next(topic.facts for topic in ITSM if record.topic.endswith(topic.name))
                    for kind in facts:
                        found.pop((kind, key), None)
                    continue
                try:
                    _, fact = decode(record.key, record.value, record.headers, record.timestamp)
                except Undecodable:
                    continue  # the services' dead letters tell of it
                found[type(fact), key_of(fact)] = fact
    return found


async def _publish(settings: KafkaSettings, facts: Sequence[Said]) -> None:
    with records.explained(settings):
        async with kafka.producing(settings, linger_ms=5) as producer:
            await kafka.send(producer, [_record(settings, said) for said in facts])


def _record(settings: KafkaSettings, said: Said) -> kafka.OutgoingRecord:
    fact = said.fact
    envelope = Envelope(
        id=str(uuid5(_IDS, f"{type_name(type(fact))}/{fact.model_dump_json()}/{said.since.isoformat()}")),
        source=SOURCE,
        time=said.since,
        subject=key_of(fact),
    )
    key, value, headers = encode(fact, envelope)
    return kafka.OutgoingRecord(settings.topic_prefix + TOPIC_OF[type(fact)].name, key, value, headers)
