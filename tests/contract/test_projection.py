"""Every published record of a ticket still projects to the rows that it was pinned to."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast
from uuid import UUID

import pytest
from aiokafka.structs import ConsumerRecord
from history_projector.consume import sort
from history_projector.fold import Batch, fold
from history_projector.occurrences import record as recorded
from history_projector.occurrences import shown
from history_projector.rows import Occurrence, Ticket
from relato_contracts.envelope import decode
from relato_contracts.fields import EARLIEST
from relato_contracts.notes import OccurrenceRecorded
from relato_runtime.positions import Record

from tests.support.samples import CONTRACTS, Sample, accepted

PINNED = CONTRACTS / "samples" / "projected.json"
_TOPICS = {"relato.notes", "relato.notifications", "itsm.tickets"}
SAMPLES = [sample for sample in accepted() if sample.topic in _TOPICS]


def projected(sample: Sample) -> dict[str, object]:
    """What the projector makes of one record, on a ticket whose occurrence was recorded before."""
    key, value = sample.key, sample.value
    headers = cast(Sequence[tuple[str, bytes]], sample.headers)  # null ones of others are passed over
    record: Record = ConsumerRecord(
        *(sample.topic, 0, 0, 0, 0, key, value, None, len(key or b""), len(value), headers)
    )
    envelope, fact = decode(key, value, sample.headers)
    batch: Batch = sort([(record, envelope, fact)])
    assert not batch.refused, batch.refused
    (ticket_id,) = batch.ticket_ids
    before = Ticket(ticket_id, last_version=(envelope.stream_version or 1) - 1)
    known: dict[UUID, Occurrence] = {}
    occurrence_id: UUID | None = getattr(fact, "occurrence_id", None)
    if occurrence_id is not None and not isinstance(fact, OccurrenceRecorded):
        known[occurrence_id] = _before(ticket_id, occurrence_id)
    folded = fold({ticket_id: before}, known, batch)
    assert not folded.refused, folded.refused
    assert not folded.waiting, folded.waiting
    changed = [folded.occurrences[each] for each in folded.changed]
    return {
        "ticket": folded.tickets[ticket_id]._asdict(),
        "entries": [each._asdict() for each in folded.entries],
        "occurrences": [each._asdict() for each in changed],
        "shown": [row._asdict() for each in changed if (row := shown(each)) is not None],
        "messages": [each._asdict() for each in folded.messages],
        "chat": [each._asdict() for each in folded.chat],
        "views": [each._asdict() for each in folded.views.values()],
        "outcomes": [each._asdict() for each in folded.outcomes.values()],
    }


def _before(ticket_id: str, occurrence_id: UUID) -> Occurrence:
    fact = OccurrenceRecorded(
        ticket_id=ticket_id,
        requester_id="ana",
        author_id="carlos",
        author_name="Carlos",
        occurrence_id=occurrence_id,
        description_html="<p>Antes</p>",
        description_text="Antes",
        occurred_at=EARLIEST,
        time_spent_minutes=10,
        channel="execution",
        visible_to_requester=True,
        notify_by_email=False,
    )
    return recorded(1, EARLIEST, fact)


def as_json(rows: object) -> object:
    """Rows as they are pinned: times and ids in words."""
    return json.loads(json.dumps(rows, default=str, ensure_ascii=False))


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_a_sample_projects_to_its_pinned_rows(sample: Sample) -> None:
    pinned: dict[str, object] = json.loads(PINNED.read_text())
    assert as_json(projected(sample)) == pinned[sample.name]


def test_every_pinned_result_has_its_sample() -> None:
    assert set(json.loads(PINNED.read_text())) == {sample.name for sample in SAMPLES}


def pin(path: Path = PINNED, rows: Callable[[Sample], object] = projected) -> None:
    """Pin what has no result yet; what was pinned once stays, whatever the projector does today."""
    known = json.loads(path.read_text()) if path.exists() else {}
    new = {sample.name: as_json(rows(sample)) for sample in SAMPLES if sample.name not in known}
    path.write_text(json.dumps(dict(sorted((known | new).items())), indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    pin()
