"""The oracle itself: services that would break their promises in these ways are not taken for good ones."""

from collections.abc import Iterable
from email.message import EmailMessage
from random import Random
from typing import Any, cast
from uuid import UUID

import pytest

from tests.faults import __main__ as faults
from tests.faults import ledger, refusals, secrecy, standing
from tests.faults.asked import MARK, asked
from tests.faults.load import Accepted, Load, Told
from tests.faults.mail import Content
from tests.faults.oracle import Logged
from tests.faults.plan import COMMENTER, Lane, Step, plan
from tests.faults.record_faults import CONSUMED, READ
from tests.faults.run import Result
from tests.faults.site import Site

_EVENT = UUID(int=1)
_SUBJECT = "01930000-0000-7000-8000-000000000001"
RECORD = Step("r", "record", "carlos", visible=True, by_mail=True)
HELD = Step("r", "record", "carlos", visible=True, by_mail=True, hold=3)


def about(kind: Any, **more: Any) -> Step:
    return Step("a", kind, "carlos", about="r", **more)


def load(*told: tuple[Step, str]) -> Load:
    """What was said about each: ``ok``, what it was refused with, or ``? ok`` when that came later."""
    lane = Lane("t-1", "ana", tuple(step for step, _ in told))
    made = Load(cast(Site, None), [lane])
    for version, (step, said) in enumerate(told, 1):
        each = Told(step, "t-1", asked(step, lane, None, 1), 0.0, was_unknown=said.startswith("? "))
        answer = said.removeprefix("? ")
        if answer == "ok":
            each.outcome = "acknowledged"
            each.accepted = Accepted(
                ticket_id="t-1", version=version, occurrence_id=_SUBJECT, notification="planned"
            )
        else:
            status, each.code = answer.split()
            each.outcome, each.status = "refused", int(status)
        made.told.append(each)
    return made


def wrong(*told: tuple[Step, str]) -> list[str]:
    return [each for each in refusals.violations(load(*told)) if "only" not in each]


def test_who_refuses_everything_keeps_nothing() -> None:
    steps = plan(Random(1), "x", tickets=2, steps=3)[0].steps
    assert any(
        "were acknowledged" in each for each in refusals.violations(load(*((s, "503 x") for s in steps)))
    )


@pytest.mark.parametrize(
    "said", ["401 unauthenticated", "403 not-permitted", "404 ticket-not-found", "422 invalid"]
)
def test_a_note_is_never_refused(said: str) -> None:
    assert wrong((RECORD, said))
    assert wrong((Step("m", "message", "carlos"), said))


def test_a_refusal_needs_what_was_done_before() -> None:
    retracted = "409 already-retracted"
    assert wrong((RECORD, "ok"), (about("correct"), retracted))
    assert not wrong((RECORD, "ok"), (about("retract"), "ok"), (about("correct"), retracted))
    assert not wrong((RECORD, "ok"), (about("retract"), "? ok"), (about("correct"), retracted))
    assert wrong((RECORD, "ok"), (about("retract"), "ok"), (about("correct"), "ok"))
    assert wrong((RECORD, "ok"), (about("retract"), "ok"), (about("correct"), "422 already-retracted"))
    assert wrong((RECORD, "ok"), (about("hide"), "422 invalid"))
    assert not wrong((RECORD, "ok"), (about("hide"), "ok"), (about("hide"), "422 invalid"))


def test_undoing_is_possible_while_it_is_held_back() -> None:
    assert not wrong((HELD, "ok"), (about("undo"), "ok"))
    assert not wrong((HELD, "ok"), (about("undo"), "409 already-released"))
    assert wrong((HELD, "ok"), (about("hide"), "ok"), (about("undo"), "ok"))


def test_a_version_that_is_known_is_good_and_a_stale_one_is_not() -> None:
    conflict = "412 version-conflict"
    assert wrong((RECORD, "ok"), (about("solve", given="known"), conflict))
    assert not wrong((HELD, "ok"), (about("solve", given="known"), conflict))
    assert not wrong((RECORD, "ok"), (about("solve", given="stale"), conflict))
    assert wrong((RECORD, "ok"), (about("solve", given="stale"), "ok"))


def test_nonsense_and_what_is_not_permitted_is_refused_as_such() -> None:
    nonsense, message = Step("n", "nonsense", "carlos"), Step("m", "message", COMMENTER)
    assert not wrong((nonsense, "422 invalid"), (message, "403 not-permitted"))
    assert wrong((nonsense, "ok")) and wrong((message, "ok")) and wrong((nonsense, "403 not-permitted"))


def on_desk(told: Iterable[tuple[Step, str]], **shows: object) -> list[str]:
    item = {"occurrence_id": _SUBJECT, "description_html": "<p>r</p>", "visible_to_requester": True}
    return list(standing.on_desk(standing.expected(load(*told), "t-1"), [item | shows]))


def in_portal(told: Iterable[tuple[Step, str]], **shows: object) -> list[str]:
    item = {"occurrence_id": _SUBJECT, "description_html": "<p>r</p>"}
    return list(standing.in_portal(standing.expected(load(*told), "t-1"), [item | shows]))


def test_who_shows_an_old_text_or_lacks_a_solution_is_found_on_both_sides() -> None:
    corrected, solved = [[(RECORD, "ok"), (about(kind), "ok")] for kind in ("correct", "solve")]
    for history in (on_desk, in_portal):
        assert not history([(RECORD, "ok")])
        assert history(corrected) and not history(corrected, description_html="<p>a</p>")
        assert history(solved) and not history(solved, solution_html="<p>a</p>")
        assert history([(RECORD, "ok")], solution_html="<p>a</p>"), "nor is one made up"
    assert on_desk(corrected, earlier=[{"description_html": "<p>a</p>"}]), "an earlier text is none"


def test_executors_are_told_what_was_hidden_and_taken_back() -> None:
    hidden, retracted = [[(RECORD, "ok"), (about(kind), "ok")] for kind in ("hide", "retract")]
    assert on_desk(hidden) and not on_desk(hidden, visible_to_requester=False)
    assert on_desk(retracted) and not on_desk(retracted, retracted=True)
    assert on_desk([(RECORD, "ok")], retracted=True)


VIEW = Step("v", "view", "ana")


def test_what_was_seen_is_told_to_executors_and_no_news_any_more() -> None:
    def unread(*told: tuple[Step, str]) -> int:
        return standing.expected(load(*told), "t-1").unread

    seen, changed = [(RECORD, "ok"), (VIEW, "ok")], (about("correct"), "ok")
    assert on_desk(seen) and not on_desk(seen, seen_at="today")
    assert on_desk([(RECORD, "ok")], seen_at="today")
    assert (unread((RECORD, "ok")), unread(*seen), unread(*seen, changed)) == (1, 0, 1)
    assert unread((Step("m", "message", "ana"), "ok")) == 0, "one's own is no news"


def test_what_was_held_back_is_news_since_it_is_shown() -> None:
    told = load((HELD, "ok"), (VIEW, "ok"))
    assert standing.expected(told, "t-1", {_SUBJECT: 3}).unread == 1


def test_every_topic_that_somebody_consumes_gets_broken_records() -> None:
    consumed = {topic.name for topics in CONSUMED.values() for topic in topics}
    assert {topic.name for topic in READ} == consumed


def mail(state: str, event_id: UUID = _EVENT, reason: str = "") -> dict[str, object]:
    return {"event_id": event_id, "message_id": "<m>", "recipient": "a", "state": state, "reason": reason}


def promised(told: Iterable[tuple[Step, str]], *mails: dict[str, object]) -> list[str]:
    log = {
        ("t-1", 1): Logged("t-1", 1, _EVENT, "relato.OccurrenceRecorded.v1", UUID(_SUBJECT), "carlos", "{}")
    }
    return list(ledger._promised(load(*told), log, mails))


@pytest.mark.parametrize("state", ["suppressed", "dead", "retry", "planned", "submitting"])
def test_a_promised_mail_is_handed_over_or_may_have_been(state: str) -> None:
    assert promised([(RECORD, "ok")], mail(state))
    assert not promised([(RECORD, "ok")], mail("accepted"))
    assert not promised([(RECORD, "ok")], mail("uncertain"))
    assert promised([(RECORD, "ok")]), "nor is it forgotten"


def test_a_mail_is_suppressed_only_when_its_note_was_taken_back() -> None:
    assert not promised([(RECORD, "ok"), (about("hide"), "ok")], mail("suppressed"))
    assert promised([(RECORD, "ok"), (about("hide"), "422 invalid")], mail("suppressed"))


def test_a_mail_is_rejected_only_when_the_server_said_so() -> None:
    content = EmailMessage()
    content["Message-ID"] = "<m>"

    def refused(answer: str) -> list[str]:
        return list(ledger._decided([Content("a", content, taken=False, answer=answer)], [mail("rejected")]))

    assert refused("451 later") and not refused("554 no")


def test_what_is_internal_is_found_in_subjects_headers_and_parts_of_mails() -> None:
    for part in ("subject", "header", "text", "html"):
        message = EmailMessage()
        message["Subject"] = f"ação {MARK}" if part == "subject" else "x"
        message["X-Other"] = MARK if part == "header" else "x"
        message.set_content(f"ção {MARK}" if part == "text" else "x", cte="base64")
        message.add_alternative(f"<p>ção {MARK}</p>" if part == "html" else "x", subtype="html")
        assert MARK in secrecy._words(message), part


def test_what_was_undone_is_as_secret_as_what_is_internal() -> None:
    undone = load((HELD, "ok"), (Step("c", "correct", "carlos", about="r"), "ok"), (about("undo"), "ok"))
    assert {"r", "c"} <= secrecy._undone(undone)
    assert not secrecy._undone(load((HELD, "ok"), (about("undo"), "409 already-released")))


def test_faults_that_cannot_be_run_here_are_named_and_are_no_success() -> None:
    kept, missing = Result("kill notes", 1), Result("disk full", 1, missing=True)
    broken = Result("kill broker", 1, violations=["lost"])
    assert faults.summary([kept, missing]) == "1 of 2 faults run; not here: disk full"
    assert faults.summary([kept, Result("kill notes", 2)]) == "1 of 1 faults run"
    assert faults.code([kept], allow_missing=False) == 0
    assert faults.code([kept, missing], allow_missing=False) == 2
    assert faults.code([kept, missing], allow_missing=True) == 0
    assert faults.code([broken, missing], allow_missing=True) == 1
