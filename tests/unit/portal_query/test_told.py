"""What a history says of each fact about a note."""

import json
from collections.abc import Iterator, Mapping

from portal_query.told import Change, Subject, told
from relato_contracts.envelope import serialise
from relato_contracts.notes import NoteFact

from tests.support.projection import corrected, messaged, new_id, recorded, retracted, solved, visibility
from tests.support.world import OPENED_AT

NOTE = recorded(time_spent_minutes=30, category_id="cat-rede")


def rows(*facts: NoteFact, kind: str = "action") -> Iterator[Mapping[str, object]]:
    """As they lie in the history: what was recorded, and what followed."""
    for version, fact in enumerate(facts, start=1):
        data = serialise(fact).decode()
        subject = json.loads(data)
        yield {
            "subject_id": getattr(fact, "occurrence_id", None) or subject["message_id"],
            "kind": "occurrence" if fact is NOTE else kind,
            "action": {"OccurrenceSolved": "occurrence-solved"}.get(type(fact).__name__, "other"),
            "version": version,
            "author_name": fact.author_name,
            "recorded_at": OPENED_AT,
            "data": data,
        }


def test_each_change_says_what_stood_there_before() -> None:
    first, second = "<p>Reinicie</p>", "<p>Placa nova</p>"
    changes = told(
        rows(
            NOTE,
            solved(NOTE, solution_html=first, time_spent_minutes=15),
            corrected(
                NOTE, description_html=None, description_text=None, solution_html=second, category_id="cat-x"
            ),
            corrected(NOTE, time_spent_minutes=45, description_html="<p>Cabo novo</p>"),
        )
    ).changes
    assert changes == {
        2: {"solution_html": Change(None, first), "time_spent_minutes": Change(30, 45)},
        3: {"solution_html": Change(first, second), "category_id": Change("cat-rede", "cat-x")},
        4: {"description_html": Change("<p>Cabo trocado</p>", "<p>Cabo novo</p>")},
    }, "a time that stays as it is did not change"


def test_what_changes_no_field_has_words_of_its_own() -> None:
    assert told(rows(NOTE, visibility(NOTE, True), retracted(NOTE))).changes == {2: {}, 3: {}}


def test_a_note_or_message_is_named_by_who_wrote_it_when() -> None:
    message = messaged()
    subjects = told([*rows(NOTE), *rows(message, kind="message")]).subjects
    assert list(subjects.values()) == [
        Subject("occurrence", "Carlos", OPENED_AT),
        Subject("message", "Carlos", OPENED_AT),
    ]
    assert new_id() not in subjects
