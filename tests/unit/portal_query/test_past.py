"""What a requester could see at a moment comes in their own shapes, and nothing internal with it."""

import json
from datetime import timedelta

from portal_query.as_of import as_of
from portal_query.past import to_requester
from portal_query.shapes import RequestEntry
from relato_contracts.envelope import serialise

from tests.support.projection import corrected, new_id, recorded, solved
from tests.support.world import OPENED_AT

NOTHING: frozenset[int] = frozenset()


def note(*, visible: bool = True) -> dict[str, object]:
    """A note that was corrected for a reason and mailed, as it is folded."""
    fact = recorded(visible_to_requester=visible)
    changes = [
        corrected(fact, description_html="<p>Depois</p>", description_text="Depois", reason="um segredo"),
        solved(fact),
    ]
    names = ("occurrence-corrected", "occurrence-solved")
    facts = [
        {
            "kind": "action", "action": name, "version": version, "data": json.loads(serialise(change)),
            "author": {"id": "carlos", "name": "Carlos"},
            "recorded_at": (OPENED_AT + timedelta(minutes=version)).isoformat(),
        }
        for version, (name, change) in enumerate(zip(names, changes, strict=True), start=2)
    ]  # fmt: skip
    mail = {"mail_id": str(new_id()), "recipient": "ana@empresa.example", "at": OPENED_AT.isoformat()}
    facts.append({"kind": "mail", "action": "email-accepted", "data": mail})
    row = {
        "version": 1, "event_id": new_id(), "kind": "occurrence", "action": None,
        "subject_id": fact.occurrence_id, "recorded_at": OPENED_AT, "happened_at": fact.occurred_at,
        "author_id": "carlos", "author_name": "Carlos", "data": serialise(fact).decode(), "seen_at": None,
        "facts": json.dumps(facts),
    }  # fmt: skip
    return dict(as_of(row))


def test_a_note_has_no_earlier_text_reason_minutes_or_mail() -> None:
    shown = to_requester(note(), NOTHING)
    assert shown is not None
    assert shown.keys() <= RequestEntry.__annotations__.keys()
    assert (shown["description_html"], shown["corrected"], shown["version"]) == ("<p>Depois</p>", True, 3)
    told = json.dumps(shown, default=str)
    assert "segredo" not in told
    assert "ana@" not in told


def test_an_internal_note_is_not_told_at_all() -> None:
    assert to_requester(note(visible=False), NOTHING) is None


def test_switches_that_were_off_hide_what_they_hide_in_the_portal() -> None:
    shown, hidden = to_requester(note(), NOTHING), to_requester(note(), frozenset({371}))
    assert shown is not None
    assert hidden is not None
    assert ("solution_html" in shown, "solution_html" in hidden) == (True, False)
    assert to_requester(note(), frozenset({298})) is None
    line = {
        "kind": "chat", "version": 4, "subject_id": new_id(), "recorded_at": OPENED_AT,
        "happened_at": OPENED_AT, "author_id": "ana", "author_name": "Ana",
        "data": json.dumps({"sender": "requester", "text": "Oi"}),
    }  # fmt: skip
    said = to_requester(line, NOTHING)
    assert said is not None
    assert (said["text"], said["sender"]) == ("Oi", "requester")
    assert to_requester(line, frozenset({316})) is None
