"""Who is told what, and why somebody is not."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from notifier.compose import Draft, Suppressed, audience, compose
from notifier.event import Event
from notifier.known import Group, House, Known, Person, Ticket, Unknown
from notifier.letter import Letter
from notifier.occurrence import Occurrence, evolve
from relato_contracts.itsm import EmailVariant
from relato_contracts.notes import NoteEvent, OccurrenceFact
from relato_runtime.mail_templates import VARIABLES

from tests.support import stream

NOW = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
HOUSE = House("https://relato.example", "pt-BR", "America/Sao_Paulo", timedelta(hours=72))
VARIANT = EmailVariant(language="pt-BR", subject="s", text="t", html="h")
ANA = Person("Ana", "ana@empresa.example", "pt-BR", "America/Sao_Paulo", True)
KNOWN = Known(
    tickets={"1001": Ticket("VPN não conecta", "redes", "carlos")},
    people={"ana": ANA, "carlos": replace(ANA, name="Carlos", email="carlos@empresa.example")},
    groups={"redes": Group("Redes", ("redes@empresa.example",))},
    parameters={251: "t-251", 253: "t-253", 371: "S", 447: "t-447"},
    templates={"t-251": (VARIANT,), "t-253": (VARIANT,), "t-447": (VARIANT,)},
)
MAILED = stream.recorded(visible_to_requester=True, notify_by_email=True)
BY_ANA = stream.recorded(author_id="ana", author_name="Ana", channel="api", visible_to_requester=True)


def event(fact: NoteEvent, at: datetime = NOW) -> Event:
    return Event(UUID(int=1), 1, at, None, None, fact)


def composed(
    fact: NoteEvent,
    known: Known = KNOWN,
    *,
    occurrence: Occurrence | None = None,
    at: datetime = NOW,
    give_up: bool = False,
) -> list[Draft | Suppressed]:
    if occurrence is None and isinstance(fact, OccurrenceFact):
        occurrence = evolve(None, 1, fact)
    return list(compose(event(fact, at), occurrence, known, HOUSE, NOW, give_up=give_up))


def letter(fact: NoteEvent, known: Known = KNOWN) -> Letter:
    [draft] = composed(fact, known)
    assert isinstance(draft, Draft)
    return draft.letter


def reasons(mails: list[Draft | Suppressed]) -> list[str]:
    return [mail.reason for mail in mails if isinstance(mail, Suppressed)]


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        (stream.recorded(), None),
        (stream.recorded(visible_to_requester=True), None),
        (MAILED, (251, "requester")),
        (BY_ANA, (253, "attendant")),
        (stream.recorded(channel="portal", author_id="ana", visible_to_requester=True), (253, "attendant")),
        (stream.visibility(1, True, notify_by_email=True), (251, "requester")),
        (stream.visibility(1, True), None),
        (stream.visibility(1, False), None),
        (stream.corrected(), None),
        (stream.solved(), None),
        (stream.retracted(), None),
        (stream.to_requester(), None),
        (stream.to_requester(notify_by_email=True), (251, "requester")),
        (stream.to_attendant(), (253, "attendant")),
        (stream.chatted(recipient_online=True), None),
        (stream.chatted(recipient_online=False), (447, "attendant")),
        (stream.chatted(by_requester=False, recipient_online=False), (447, "requester")),
        (stream.viewed(1), None),
    ],
)
def test_each_fact_is_told_to_whom_it_concerns(fact: NoteEvent, expected: object) -> None:
    assert audience(fact) == expected


def test_a_requester_reads_what_was_written_and_finds_it_in_the_portal() -> None:
    told = letter(MAILED)

    assert (told.kind, told.author_name, told.recipient_name) == ("occurrence", "Carlos", "Ana")
    assert (told.text, told.text_html) == ("Texto 1", "<p>Texto 1</p>")
    assert (told.ticket_id, told.ticket_title) == ("1001", "VPN não conecta")
    assert told.link == "https://relato.example/portal/requests/1001"
    assert told.happened_at.startswith("3 de novembro de 2026 08:00:00")


def test_an_attendant_finds_it_in_the_execution_area() -> None:
    assert letter(stream.to_attendant()).link == "https://relato.example/desk/tickets/1001"


def test_templates_can_reach_nothing_internal() -> None:
    internal = {"reason", "time_spent_minutes", "earlier", "category_id", "origin_id", "channel"}

    assert not internal & {each.name for each in fields(Letter)}
    assert not internal & {each.name for each in fields(Occurrence)}


def test_every_variable_of_a_template_is_documented() -> None:
    assert list(VARIABLES) == [each.name for each in fields(Letter)]


def test_the_solution_is_told_only_while_371_says_so() -> None:
    solved = stream.recorded(
        visible_to_requester=True, notify_by_email=True, solution_html="<p>Cabo</p><ul><li>novo</li></ul>"
    )

    assert letter(solved).solution == "Cabo\nnovo"
    hidden = letter(solved, replace(KNOWN, parameters={**KNOWN.parameters, 371: "N"}))
    assert (hidden.solution, hidden.solution_html) == ("", "")


def test_the_text_of_chat_is_text_also_in_markup() -> None:
    line = stream.chatted(by_requester=False, recipient_online=False, text="<b>a & b\nc")

    assert letter(line).text_html == "&lt;b&gt;a &amp; b<br>c"


def test_switched_off_comes_before_not_configured_and_that_before_no_address() -> None:
    nobody = replace(KNOWN, people={"ana": replace(ANA, email=None)})
    unconfigured = replace(nobody, parameters={251: "nenhum"})
    off = replace(unconfigured, parameters={297: "S", 251: "nenhum"})

    assert reasons(composed(MAILED, off)) == ["disabled"]
    assert reasons(composed(MAILED, unconfigured, give_up=True)) == ["not-configured"]
    assert reasons(composed(MAILED, nobody)) == ["no-address"]


def test_a_template_without_texts_is_not_configured() -> None:
    assert reasons(composed(MAILED, replace(KNOWN, templates={"t-251": ()}))) == ["not-configured"]


@pytest.mark.parametrize(
    ("known", "needs"),
    [
        (replace(KNOWN, tickets={}), "ticket:1001"),
        (replace(KNOWN, people={}), "person:ana"),
        (replace(KNOWN, parameters={}), "parameter:251"),
        (replace(KNOWN, templates={}), "template:t-251"),
    ],
)
def test_what_has_not_arrived_is_waited_for_by_name(known: Known, needs: str) -> None:
    with pytest.raises(Unknown) as unknown:
        composed(MAILED, known)

    assert unknown.value.needs == needs
    assert reasons(composed(MAILED, known, give_up=True)) == [unknown.value.reason]


def test_an_occurrence_never_seen_cannot_be_mailed() -> None:
    shown = stream.visibility(1, True, notify_by_email=True)

    with pytest.raises(Unknown, match="occurrence:"):
        composed(shown)
    assert reasons(composed(shown, give_up=True)) == ["unknown-occurrence"]


def test_what_was_taken_back_meanwhile_is_not_mailed() -> None:
    recorded = evolve(None, 1, MAILED)

    retracted = evolve(recorded, 2, stream.retracted())
    hidden = evolve(recorded, 2, stream.visibility(1, False))

    assert reasons(composed(MAILED, occurrence=retracted)) == ["retracted"]
    assert reasons(composed(MAILED, occurrence=hidden)) == ["hidden"]


def test_what_is_too_old_is_not_mailed() -> None:
    assert reasons(composed(MAILED, at=NOW - timedelta(hours=73))) == ["too-old"]


def test_an_occurrence_that_comes_again_changes_nothing() -> None:
    once = evolve(evolve(None, 1, MAILED), 2, stream.corrected(description_text="outro"))

    again = evolve(evolve(once, 1, MAILED), 2, stream.corrected(description_text="mais outro"))

    assert again == once
    assert once is not None and once.text == "outro"
