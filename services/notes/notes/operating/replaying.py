"""What a replay would do: how many records, who would see them; and the beginning of one."""

from datetime import datetime
from typing import Annotated, Literal

from aiokafka.errors import KafkaError
from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field, StringConstraints
from relato_contracts.envelope import type_name
from relato_contracts.fields import EARLIEST, LATEST, Id
from relato_contracts.topics import NOTES, TOPICS
from relato_runtime import groups, jobs
from relato_runtime.database import Pool
from relato_runtime.operations import Operation
from relato_runtime.operators_http import Wish
from relato_runtime.problems import unavailable
from relato_runtime.refusals import Refused
from relato_runtime.settings import ServiceSettings
from uuid6 import uuid7

from notes.operating import replays
from notes.operating.replays import Choice

_TYPES = {type_name(fact) for fact in NOTES.facts}


def _written(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("expected a time in RFC 3339")  # a number would be taken for seconds
    return value


Moment = Annotated[AwareDatetime, Field(ge=EARLIEST, le=LATEST), BeforeValidator(_written)]


class ReplayWish(Wish):
    """Which events are to be published again, and where to."""

    ticket_id: Id | None = None
    type: Annotated[str | None, Field(description="Such as `relato.OccurrenceRecorded.v1`.")] = None
    since: Moment | None = None
    """Recorded then or later."""
    until: Moment | None = None
    """Recorded before."""
    to: Annotated[str | None, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,200}$")] = None
    """The topic by its whole name; null for `relato.notes` of this installation. It has to be there."""
    rate: Annotated[int, Field(strict=True, ge=1, le=100_000)] = 2_000
    """Records a second, at most."""


class Replay(BaseModel):
    """What a replay does, or with ``dry_run`` would do."""

    job: int | None
    dry_run: bool
    replay_id: str
    """In the header `ce_replayid` of each record."""
    topic: str
    records: int
    mails: Literal[0] = 0
    """Nobody is mailed about what is replayed."""
    consumers: list[str]
    """Groups that read the topic; they drop what they have."""


async def replay(settings: ServiceSettings, pool: Pool, operation: Operation, wish: ReplayWish) -> Replay:
    """Say what it comes to, and begin it unless it is a dry run; raises ``Refused`` and ``Held``."""
    if wish.type is not None and wish.type not in _TYPES:
        raise Refused(f"There is no type {wish.type}; there are {', '.join(sorted(_TYPES))}.")
    topic = settings.topic_prefix + NOTES.name if wish.to is None else wish.to
    if any(topic.endswith(each.name) for each in TOPICS if each is not NOTES):
        raise Refused(f"{topic} carries other facts.")
    try:
        consumers = await groups.readers(settings, topic)
    except (KafkaError, OSError) as error:
        raise unavailable("Kafka cannot be reached.") from error
    if consumers is None:
        raise Refused(f"There is no topic {topic}; make it first.")
    choice = Choice(wish.ticket_id, wish.type, wish.since, wish.until)
    async with pool.acquire() as connection:
        records = await replays.count(connection, choice)
    replay_id = str(uuid7())
    asked = wish.model_dump(mode="json", include={"ticket_id", "type", "since", "until", "rate"})
    job = await jobs.ask(
        pool, operation, asked | {"topic": topic, "replay_id": replay_id}, _target(choice, topic)
    )
    return Replay(
        job=job,
        dry_run=wish.dry_run,
        replay_id=replay_id,
        topic=topic,
        records=records,
        consumers=consumers,
    )


def _target(choice: Choice, topic: str) -> str:
    """What is written down of it."""
    given = (choice.ticket_id, choice.type, _text(choice.since), _text(choice.until))
    return " ".join([*(each for each in given if each is not None), f"to {topic}"])


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
