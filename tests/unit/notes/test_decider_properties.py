"""Any sequence of commands leaves a stream that can be read back: refolding gives the same state."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from notes import text
from notes.commands import (
    AnyCommand,
    ChangeVisibility,
    CorrectOccurrence,
    MarkViewed,
    PostChat,
    ReleaseOccurrence,
    RetractOccurrence,
    SendMessage,
    SolveOccurrence,
    UndoSending,
)
from notes.errors import Refused
from notes.note import State, decide, evolve
from notes.situation import Situation
from relato_contracts.envelope import FACTS, serialise, type_name
from relato_contracts.itsm import TicketStatus
from relato_contracts.notes import (
    HistoryViewed,
    NoteEvent,
    OccurrenceRecorded,
    OccurrenceRetracted,
    OccurrenceVisibilityChanged,
)

from tests.support.deciding import COMMENTER, EXECUTOR, NOW, REQUESTER, STRANGER, record

PEOPLE = {
    "carlos": EXECUTOR,
    "edu": COMMENTER,
    "ana": REQUESTER,
    "olga": STRANGER,
    "rui": replace(REQUESTER, author_name="Rui", requester_id="rui", may_execute=True),
}
"""Rui requested a ticket of his own group, and for as long as he asks the ticket is his."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Somebody, and the situation in which they ask."""

    who: str
    situation: Situation


def _asking(who: str, status: TicketStatus, active: bool, parameters: dict[int, str]) -> Asking:
    return Asking(who, replace(PEOPLE[who], status=status, author_active=active, parameters=parameters))


ASKING = st.builds(
    _asking,
    st.sampled_from(sorted(PEOPLE)),
    status=st.sampled_from(["open", "in-progress", "in-progress", "closed", "cancelled", "suspended"]),
    active=st.sampled_from([True, True, True, False]),
    parameters=st.fixed_dictionaries(
        {number: st.sampled_from("SSSN") for number in (252, 298, 299, 316)}, optional={297: st.just("S")}
    ),
)
HTML = st.sampled_from(["<p>Um</p>", "<p>Dois</p>", "<p></p>", "<b>Três</b>", "&nbsp;"]).map(text.read)
REASONS = st.sampled_from(["Engano", "A pedido", " "])
IDS = st.integers(0, 5).map(lambda n: UUID(f"01930000-0000-7000-8000-{n:012x}"))
Catalog = tuple[str | None, str | None]
CATALOG = st.tuples(
    st.sampled_from([None, "hardware", "software"]), st.sampled_from([None, "phone", "portal"])
)
CHANNELS = st.sampled_from(["execution", "toolbar", "portal", "api"])
HOLDS = st.sampled_from([0, 0, 10, 60])
EXPECTED = st.none() | st.integers(1, 30)
MOMENTS = st.integers(-3_600, 30).map(lambda seconds: NOW + timedelta(seconds=seconds))


class Stream(RuleBasedStateMachine):
    """One ticket, on which anyone asks for anything."""

    def __init__(self) -> None:
        super().__init__()
        self.state = State()
        self.log: list[NoteEvent] = []

    def ask(self, command: AnyCommand, asking: Asking) -> None:
        try:
            facts = decide(self.state, command, asking.situation)
        except Refused:
            return
        for fact in facts:
            self.state = evolve(self.state, self.state.version + 1, fact)
            self.log.append(fact)

    def ask_twice(self, command: AnyCommand, asking: Asking) -> None:
        """What has been done is not done again."""
        self.ask(command, asking)
        once = len(self.log)
        self.ask(command, asking)
        assert len(self.log) == once

    @rule(asking=ASKING, occurrence_id=IDS, description=HTML, visible=st.booleans(),
          mail=st.booleans(), minutes=st.sampled_from([0, 0, 15, 600]), moment=MOMENTS,
          solution=st.none() | HTML, catalog=CATALOG, channel=CHANNELS, hold=HOLDS)  # fmt: skip
    def record_occurrence(self, asking: Asking, occurrence_id: UUID, description: text.RichText,
                          visible: bool, mail: bool, minutes: int, moment: object, catalog: Catalog,
                          solution: text.RichText | None, channel: str, hold: int) -> None:  # fmt: skip
        if occurrence_id in self.state.occurrences:
            return  # ids are made by us, and new each time
        self.ask(
            record(
                author_id=asking.who, occurrence_id=occurrence_id, description=description,
                visible_to_requester=visible, notify_by_email=mail, time_spent_minutes=minutes,
                occurred_at=moment, channel=channel, hold_seconds=hold, solution=solution,
                category_id=catalog[0], origin_id=catalog[1],
            ),
            asking,
        )  # fmt: skip

    @rule(asking=ASKING, occurrence_id=IDS, expected=EXPECTED, description=st.none() | HTML,
          moment=st.none() | MOMENTS, minutes=st.none() | st.integers(0, 600), catalog=CATALOG,
          solution=st.none() | HTML, reason=REASONS)  # fmt: skip
    def correct(self, asking: Asking, occurrence_id: UUID, expected: int | None,
                description: text.RichText | None, moment: datetime | None, minutes: int | None,
                catalog: Catalog, solution: text.RichText | None, reason: str) -> None:  # fmt: skip
        self.ask(
            CorrectOccurrence("1001", asking.who, NOW, occurrence_id, expected, description, moment, minutes,
                              solution, *catalog, reason),
            asking,
        )  # fmt: skip

    @rule(asking=ASKING, occurrence_id=IDS, expected=EXPECTED, solution=HTML, minutes=st.integers(0, 90))
    def solve(
        self,
        asking: Asking,
        occurrence_id: UUID,
        expected: int | None,
        solution: text.RichText,
        minutes: int,
    ) -> None:
        self.ask(SolveOccurrence("1001", asking.who, NOW, occurrence_id, expected, solution, minutes), asking)

    @rule(asking=ASKING, occurrence_id=IDS, reason=REASONS)
    def retract(self, asking: Asking, occurrence_id: UUID, reason: str) -> None:
        self.ask_twice(RetractOccurrence("1001", asking.who, NOW, occurrence_id, None, reason), asking)

    @rule(asking=ASKING, occurrence_id=IDS, visible=st.booleans(), mail=st.booleans(), reason=REASONS,
          hold=HOLDS)  # fmt: skip
    def change_visibility(self, asking: Asking, occurrence_id: UUID, visible: bool, mail: bool,
                          reason: str, hold: int) -> None:  # fmt: skip
        command = ChangeVisibility("1001", asking.who, NOW, occurrence_id, None, visible, mail, reason, hold)
        if hold:
            self.ask(command, asking)  # it may be put off once more
        else:
            self.ask_twice(command, asking)

    @rule(asking=ASKING, occurrence_id=IDS)
    def undo(self, asking: Asking, occurrence_id: UUID) -> None:
        self.ask_twice(UndoSending("1001", asking.who, NOW, occurrence_id, None), asking)

    @rule(asking=ASKING, occurrence_id=IDS, seconds=st.sampled_from([5, 10, 60]))
    def release(self, asking: Asking, occurrence_id: UUID, seconds: int) -> None:
        at = NOW + timedelta(seconds=seconds)
        self.ask_twice(ReleaseOccurrence("1001", asking.who, at, occurrence_id, None), asking)

    @rule(asking=ASKING, message_id=IDS, words=HTML, mail=st.booleans())
    def send_message(self, asking: Asking, message_id: UUID, words: text.RichText, mail: bool) -> None:
        self.ask(SendMessage("1001", asking.who, NOW, message_id, words, mail), asking)

    @rule(asking=ASKING, message_id=IDS)
    def chat(self, asking: Asking, message_id: UUID) -> None:
        self.ask(PostChat("1001", asking.who, NOW, message_id, "Oi"), asking)

    @rule(asking=ASKING, up_to=st.integers(1, 40))
    def view(self, asking: Asking, up_to: int) -> None:
        before = len(self.log)
        self.ask_twice(MarkViewed("1001", asking.who, NOW, up_to), asking)
        assert len(self.log) - before <= 1

    @invariant()
    def refolding_the_facts_as_they_go_to_kafka_gives_the_same_state(self) -> None:
        state = State()
        for version, fact in enumerate(self.log, start=1):
            model = FACTS[type_name(type(fact))]
            state = evolve(state, version, model.model_validate_json(serialise(fact)))  # type: ignore[arg-type]  # a note fact
        assert state == self.state

    @invariant()
    def nothing_is_mailed_that_the_requester_may_not_see(self) -> None:
        for fact in self.log:
            if isinstance(fact, OccurrenceRecorded | OccurrenceVisibilityChanged):
                assert fact.visible_to_requester or not fact.notify_by_email

    @invariant()
    def what_requesters_write_is_visible_to_them_and_only_they_write_it(self) -> None:
        for fact in self.log:
            if not isinstance(fact, OccurrenceRecorded):
                continue
            if fact.channel == "portal" or fact.author_id == "ana":
                assert fact.by_requester
                assert fact.author_id in {"ana", "rui"}
                assert fact.visible_to_requester
                assert (fact.time_spent_minutes, fact.solution_html) == (0, None)

    @invariant()
    def what_is_held_back_is_internal_and_comes_to_one_end(self) -> None:
        waiting: set[UUID] = set()
        for fact in self.log:
            if isinstance(fact, OccurrenceRecorded | OccurrenceVisibilityChanged | OccurrenceRetracted):
                outcome = getattr(fact, "release_outcome", None)
                assert outcome is None or fact.occurrence_id in waiting, "only what is held back is released"
                waiting.discard(fact.occurrence_id)
                if not isinstance(fact, OccurrenceRetracted) and fact.release is not None:
                    assert not fact.visible_to_requester
                    assert not fact.notify_by_email
                    waiting.add(fact.occurrence_id)
        held = {occurrence_id for occurrence_id, each in self.state.occurrences.items() if each.held}
        assert held == waiting

    @invariant()
    def nobody_sees_what_has_not_happened(self) -> None:
        for version, fact in enumerate(self.log, start=1):
            if isinstance(fact, HistoryViewed):
                assert fact.up_to_version < version


TestStream = Stream.TestCase
TestStream.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
