"""A past occurrence comes out as the projector would have had it then."""

import json
from datetime import timedelta

from history_projector import occurrences
from hypothesis import given
from hypothesis import strategies as st
from portal_query.as_of import as_of
from relato_contracts import notes
from relato_contracts.envelope import serialise

from tests.support.projection import corrected, new_id, recorded, release, retracted, solved, visibility
from tests.support.world import OPENED_AT

Changes = list[
    notes.OccurrenceCorrected
    | notes.OccurrenceSolved
    | notes.OccurrenceRetracted
    | notes.OccurrenceVisibilityChanged
]
_ACTIONS = {
    notes.OccurrenceCorrected: "occurrence-corrected",
    notes.OccurrenceSolved: "occurrence-solved",
    notes.OccurrenceRetracted: "occurrence-retracted",
    notes.OccurrenceVisibilityChanged: "occurrence-visibility-changed",
}
FACT = recorded()


def _changes() -> st.SearchStrategy[Changes]:
    minutes = st.integers(0, 600)
    text = st.none() | st.sampled_from(["<p>Um</p>", "<p>Outro</p>"])
    corrections = st.builds(
        lambda html, spent, category: corrected(
            FACT, description_html=html, description_text=html, time_spent_minutes=spent, category_id=category
        ),
        text,
        st.none() | minutes,
        st.none() | st.just("cat-rede"),
    )
    return st.lists(
        corrections
        | minutes.map(lambda spent: solved(FACT, time_spent_minutes=spent))
        | st.booleans().map(lambda visible: visibility(FACT, visible))
        | st.just(visibility(FACT, False, release=release()))
        | st.just(retracted(FACT)),
        max_size=6,
    )


@given(_changes())
def test_folding_facts_gives_what_the_projector_has(changes: Changes) -> None:
    expected = occurrences.record(1, OPENED_AT, FACT)
    facts = []
    for version, change in enumerate(changes, start=2):
        at = OPENED_AT + timedelta(minutes=version)
        expected = occurrences.evolve(expected, version, at, change)
        facts.append(
            {
                "kind": "action",
                "action": _ACTIONS[type(change)],
                "version": version,
                "data": json.loads(serialise(change)),
                "author": {"id": change.author_id, "name": change.author_name},
                "recorded_at": at.isoformat(),
            }
        )
    row = {
        "version": 1, "event_id": new_id(), "kind": "occurrence", "action": None,
        "subject_id": FACT.occurrence_id, "recorded_at": OPENED_AT, "happened_at": FACT.occurred_at,
        "author_id": "carlos", "author_name": "Carlos", "data": serialise(FACT).decode(), "seen_at": None,
        "facts": json.dumps(facts) if facts else None,
    }  # fmt: skip
    folded = as_of(row)
    same = ("description_html", "time_spent_minutes", "solution_html", "category_id", "origin_id", "channel",
            "visible_to_requester", "notify_by_email", "corrected", "retracted", "occurred_at",
            "shown_version", "shown_corrected")  # fmt: skip
    assert {name: folded[name] for name in same} == {name: getattr(expected, name) for name in same}
    assert folded["occurrence_version"] == expected.version
    showing = [each for each in changes if isinstance(each, notes.OccurrenceVisibilityChanged)]
    held = not expected.retracted and any(each.release for each in showing[-1:])
    assert (folded["release"] is not None) == held
    assert json.loads(str(folded["earlier"])) == json.loads(expected.earlier)
