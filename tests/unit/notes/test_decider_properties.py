"""Any sequence of commands leaves a stream that can be read back: refolding gives the same state."""

from dataclasses import replace
from datetime import timedelta
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
from relato_contracts.envelope import FACTS, serialise, type_name
from relato_contracts.notes import (
    HistoryViewed,
    NoteEvent,
    OccurrenceRecorded,
    OccurrenceRetracted,
    OccurrenceVisibilityChanged,
)

from tests.support.deciding import COMMENTER, EXECUTOR, NOW, REQUESTER, STRANGER, record

SITUATIONS = st.builds(
    replace,
    st.sampled_from([EXECUTOR, REQUESTER, COMMENTER, STRANGER]),
    status=st.sampled_from(["open", "in-progress", "in-progress", "closed", "cancelled", "suspended"]),
    author_active=st.sampled_from([True, True, True, False]),
    parameters=st.fixed_dictionaries(
        {number: st.sampled_from("SSSN") for number in (252, 298, 299, 316)}, optional={297: st.just("S")}
    ),
)
HTML = st.sampled_from(["<p>Um</p>", "<p>Dois</p>", "<p></p>", "<b>Três</b>", "&nbsp;"]).map(text.read)
REASONS = st.sampled_from(["Engano", "A pedido", " "])
IDS = st.integers(0, 5).map(lambda n: UUID(f"01930000-0000-7000-8000-{n:012x}"))
HOLDS = st.sampled_from([0, 0, 10, 60])
EXPECTED = st.none() | st.integers(1, 30)
MOMENTS = st.integers(-3_600, 30).map(lambda seconds: NOW + timedelta(seconds=seconds))


class Stream(RuleBasedStateMachine):
    """One ticket, on which anyone asks for anything."""

    def __init__(self) -> None:
        super().__init__()
        self.state = State()
        self.log: list[NoteEvent] = []

    def ask(self, command: AnyCommand, situation: object) -> None:
        try:
            facts = decide(self.state, command, situation)  # type: ignore[arg-type]  # SITUATIONS gives them
        except Refused:
            return
        for fact in facts:
            self.state = evolve(self.state, self.state.version + 1, fact)
            self.log.append(fact)

    @rule(situation=SITUATIONS, occurrence_id=IDS, description=HTML, visible=st.booleans(),
          mail=st.booleans(), minutes=st.integers(0, 600), moment=MOMENTS,
          channel=st.sampled_from(["execution", "toolbar", "portal", "api"]), hold=HOLDS)  # fmt: skip
    def record_occurrence(self, situation: object, occurrence_id: UUID, description: text.RichText,
                          visible: bool, mail: bool, minutes: int, moment: object,
                          channel: str, hold: int) -> None:  # fmt: skip
        if occurrence_id in self.state.occurrences:
            return  # ids are made by us, and new each time
        self.ask(
            record(
                occurrence_id=occurrence_id, description=description, visible_to_requester=visible,
                notify_by_email=mail, time_spent_minutes=minutes, occurred_at=moment, channel=channel,
                hold_seconds=hold,
            ),
            situation,
        )  # fmt: skip

    @rule(situation=SITUATIONS, occurrence_id=IDS, expected=EXPECTED, description=st.none() | HTML,
          minutes=st.none() | st.integers(0, 600), reason=REASONS)  # fmt: skip
    def correct(self, situation: object, occurrence_id: UUID, expected: int | None,
                description: text.RichText | None, minutes: int | None, reason: str) -> None:  # fmt: skip
        self.ask(
            CorrectOccurrence("1001", "carlos", NOW, occurrence_id, expected, description, None, minutes,
                              None, None, None, reason),
            situation,
        )  # fmt: skip

    @rule(
        situation=SITUATIONS, occurrence_id=IDS, expected=EXPECTED, solution=HTML, minutes=st.integers(0, 90)
    )
    def solve(
        self,
        situation: object,
        occurrence_id: UUID,
        expected: int | None,
        solution: text.RichText,
        minutes: int,
    ) -> None:
        self.ask(
            SolveOccurrence("1001", "carlos", NOW, occurrence_id, expected, solution, minutes), situation
        )

    @rule(situation=SITUATIONS, occurrence_id=IDS, reason=REASONS)
    def retract(self, situation: object, occurrence_id: UUID, reason: str) -> None:
        self.ask(RetractOccurrence("1001", "carlos", NOW, occurrence_id, None, reason), situation)

    @rule(situation=SITUATIONS, occurrence_id=IDS, visible=st.booleans(), mail=st.booleans(), reason=REASONS,
          hold=HOLDS)  # fmt: skip
    def change_visibility(self, situation: object, occurrence_id: UUID, visible: bool, mail: bool,
                          reason: str, hold: int) -> None:  # fmt: skip
        self.ask(
            ChangeVisibility("1001", "carlos", NOW, occurrence_id, None, visible, mail, reason, hold),
            situation,
        )

    @rule(situation=SITUATIONS, occurrence_id=IDS, author=st.sampled_from(["carlos", "edu"]))
    def undo(self, situation: object, occurrence_id: UUID, author: str) -> None:
        self.ask(UndoSending("1001", author, NOW, occurrence_id, None), situation)

    @rule(situation=SITUATIONS, occurrence_id=IDS, seconds=st.sampled_from([5, 10, 60]))
    def release(self, situation: object, occurrence_id: UUID, seconds: int) -> None:
        command = ReleaseOccurrence("1001", "carlos", NOW + timedelta(seconds=seconds), occurrence_id, None)
        self.ask(command, situation)
        once = len(self.log)
        self.ask(command, situation)
        assert len(self.log) == once, "what was released is not released again"

    @rule(situation=SITUATIONS, message_id=IDS, words=HTML, mail=st.booleans())
    def send_message(self, situation: object, message_id: UUID, words: text.RichText, mail: bool) -> None:
        self.ask(SendMessage("1001", "carlos", NOW, message_id, words, mail), situation)

    @rule(situation=SITUATIONS, message_id=IDS)
    def chat(self, situation: object, message_id: UUID) -> None:
        self.ask(PostChat("1001", "carlos", NOW, message_id, "Oi"), situation)

    @rule(situation=SITUATIONS, up_to=st.integers(1, 40))
    def view(self, situation: object, up_to: int) -> None:
        before = len(self.log)
        self.ask(MarkViewed("1001", "ana", NOW, up_to), situation)
        again = len(self.log)
        self.ask(MarkViewed("1001", "ana", NOW, up_to), situation)
        assert len(self.log) == again, "seen twice is seen once"
        assert again - before <= 1

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
