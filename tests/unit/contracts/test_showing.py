"""What a requester may have of their ticket's facts is what they see of it in the portal."""

from hypothesis import given
from pydantic_core import from_json
from relato_contracts import showing
from relato_contracts.commitments import PART_OF
from relato_contracts.envelope import serialise
from relato_contracts.notes import ChatMessagePosted, NoteEvent
from relato_contracts.showing import Switches

from tests.integration.history_projector.test_batches import facts
from tests.support import stream as a
from tests.unit.history_projector.test_projection import folded, seen

ALL = Switches(occurrences=True, messages=True, chat=True, solutions=True)
NONE = Switches(occurrences=False, messages=False, chat=False, solutions=False)


_TEXTS = {"description_html", "solution_html", "text_html"}


def words(stream: list[NoteEvent]) -> set[str]:
    """All that is shown of a ticket's facts and that somebody wrote, as the portal has it."""
    found = set()
    for version, parts in showing.shown(enumerate(stream, 1), ALL).items():
        fact = stream[version - 1]
        texts = {"text"} if isinstance(fact, ChatMessagePosted) else _TEXTS
        said = from_json(serialise(fact))
        found |= {said[name] for name in texts & said.keys() if PART_OF[name] in parts}
    return found


@given(facts("1001", 1))
def test_what_is_shown_of_facts_is_what_the_portal_shows(stream: list[NoteEvent]) -> None:
    state = folded(*stream)
    entries = seen(state)
    solutions = {each.solution_html for each in entries if each.solution_html}
    assert words(stream) == {
        *(each.description_html for each in entries),
        *solutions,
        *(each.text for each in state.chat),
    }


@given(facts("1001", 1))
def test_with_everything_switched_off_nothing_is_shown(stream: list[NoteEvent]) -> None:
    assert showing.shown(enumerate(stream, 1), NONE) == {}


def test_nothing_tells_who_corrected_what_or_why_or_what_it_said_before() -> None:
    stream: list[NoteEvent] = [
        a.recorded(1),
        a.corrected(1, description_html="<p>Depois</p>"),
        a.corrected(1, time_spent_minutes=3),
        a.solved(1),
        a.visibility(1, visible=True),
    ]
    assert showing.shown(enumerate(stream, 1), ALL) == {
        1: {"about", "author", "when"},
        2: {"text"},
        4: {"solution"},
    }
    assert showing.shown(enumerate([*stream, a.visibility(1, visible=False)], 1), ALL) == {}
    assert showing.shown(enumerate([*stream, a.retracted(1)], 1), ALL) == {}
