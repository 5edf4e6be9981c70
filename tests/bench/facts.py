"""Facts published as notes would, for consumers that have topics of their own."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from relato_contracts.envelope import Envelope, encode
from relato_contracts.notes import Authored, NoteFact, OccurrenceRecorded
from relato_contracts.topics import NOTES
from relato_runtime import kafka
from relato_runtime.settings import KafkaSettings

from tests.support import stream
from tests.support.projection import new_id

_AT_ONCE = 5_000
_CHARACTERS = 250


def occurrence(ticket_id: str, *, number: int, visible: bool) -> OccurrenceRecorded:
    """A note of ordinary length."""
    text = f"Troquei o cabo de rede da sala {number}. "
    text = (text * 10)[:_CHARACTERS]
    return stream.recorded(
        number,
        ticket_id=ticket_id,
        occurrence_id=new_id(),
        description_html=f"<p>{text}</p>",
        description_text=text,
        visible_to_requester=visible,
    )


def ordinary_history(ticket_id: str, prefix: str, *, rounds: int = 1) -> Iterator[kafka.OutgoingRecord]:
    """Ten facts of all kinds about one ticket, as they follow each other at a desk; and so again."""
    begin = datetime.now(UTC) - timedelta(hours=rounds)
    for round_ in range(rounds):
        for version, fact in enumerate(_ordinary(ticket_id, 10 * round_), 10 * round_ + 1):
            yield _record(fact, version, begin + timedelta(minutes=version), prefix)


def _ordinary(ticket_id: str, seen: int) -> list[Authored]:
    here: dict[str, Any] = {"ticket_id": ticket_id}
    first, second, third, fourth = (
        occurrence(ticket_id, number=number, visible=number % 2 == 1) for number in range(1, 5)
    )
    about_first = here | {"occurrence_id": first.occurrence_id}
    about_second = here | {"occurrence_id": second.occurrence_id}
    return [
        first,
        stream.to_requester(**here, message_id=new_id()),
        second,
        stream.viewed(seen + 3, **here),
        stream.chatted(**here, message_id=new_id()),
        stream.corrected(
            **about_first, description_html="<p>Era o switch</p>", description_text="Era o switch"
        ),
        third,
        stream.visibility(2, True, **about_second),
        stream.solved(**about_first),
        fourth,
    ]


async def publish(settings: KafkaSettings, records: Iterable[kafka.OutgoingRecord]) -> int:
    """Publish them in order; returns how many."""
    number = 0
    remaining = iter(records)
    async with kafka.producing(settings, linger_ms=5) as producer:
        while some := list(islice(remaining, _AT_ONCE)):
            await kafka.send(producer, some)
            number += len(some)
    return number


def _record(fact: NoteFact, version: int, at: datetime, prefix: str) -> kafka.OutgoingRecord:
    envelope = Envelope(
        id=str(new_id()),
        source="/relato/notes",
        time=at,
        stream_version=version,
        actor=fact.author_id,
    )
    return kafka.OutgoingRecord(prefix + NOTES.name, *encode(fact, envelope))
