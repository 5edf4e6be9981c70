"""What arrives in an order that nobody promised, what is broken, and what is taken back in time."""

import pytest
from relato_contracts import itsm

from tests.integration.notifier.conftest import ANA, CARLOS, Notifier
from tests.support import stream, world
from tests.support.waiting import until


async def test_a_note_before_its_ticket_and_its_people_is_mailed_once_they_arrive(idle: Notifier) -> None:
    await idle.start()
    [event] = await idle.note(stream.to_requester(notify_by_email=True))
    await idle.taken_in()

    await idle.publish(*world.world())

    [mail] = await idle.mails(1, "accepted")
    assert (mail["event_id"], mail["recipient"]) == (event.id, ANA)
    assert await idle.database.fetchval("SELECT count(*) FROM waiting") == 0


async def test_a_note_whose_group_comes_after_its_ticket_is_mailed_to_the_group(idle: Notifier) -> None:
    others = [each for each in world.world() if not isinstance(each, itsm.GroupSaved | itsm.TicketSaved)]
    await idle.publish(*others, world.ticket(responsible_id=None))
    await idle.start()
    await idle.note(stream.to_attendant())

    async def waits() -> bool:
        return bool(await idle.database.fetchval("SELECT needs = 'group:redes' FROM waiting"))

    await until(waits, what="the note that waits for its group")
    await idle.publish(world.group())

    [mail] = await idle.mails(1, "accepted")
    assert mail["recipient"] == "redes@empresa.example"


async def test_a_note_whose_ticket_never_comes_is_suppressed_for_that_reason(idle: Notifier) -> None:
    await idle.start(reference_patience_seconds=0.3)

    await idle.note(stream.to_requester(1, notify_by_email=True), stream.to_attendant(2))

    mails = await idle.mails(2, "suppressed")
    assert {(mail["recipient"], mail["reason"]) for mail in mails} == {("", "unknown-ticket")}
    assert len(await idle.outcomes(2)) == 2


async def test_the_time_that_a_note_waited_for_its_ticket_is_not_held_against_its_template(
    idle: Notifier,
) -> None:
    await idle.start(configuration_patience_seconds=20)
    await idle.note(stream.to_requester(notify_by_email=True))

    async def needs(what: str) -> bool:
        return bool(await idle.database.fetchval("SELECT needs = $1 FROM waiting", what))

    await until(lambda: needs("ticket:1001"), what="the note that waits for its ticket")
    await idle.database.execute("UPDATE waiting SET since = since - interval '1 minute'")

    facts = world.world()
    templates = [each for each in facts if isinstance(each, itsm.EmailTemplateSaved)]
    await idle.publish(*(each for each in facts if each not in templates))
    await until(lambda: needs("template:t-251"), what="the note that waits for its template")
    await idle.publish(*templates)

    await idle.mails(1, "accepted")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{{ internal_notes }}", "'internal_notes' is undefined"),
        ("{{ text.__class__.__mro__ }}", "SecurityError"),
        ("{% if %}", "TemplateSyntaxError"),
        ("{{ 'x' * 2000000 }}", "more than"),
        ("{{ 'x' * 9999999999 }}", "MemoryError"),
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "took longer"),
    ],
)
async def test_a_broken_template_suppresses_its_mails_and_holds_up_no_other(
    idle: Notifier, source: str, reason: str
) -> None:
    broken = itsm.EmailVariant(language="pt-BR", subject="x", text=source, html="x")
    await idle.publish(
        *world.world(), itsm.EmailTemplateSaved(template_id="t-251", name="t", variants=(broken,))
    )
    await idle.start(render_seconds=0.5)
    await idle.taken_in()

    await idle.note(
        stream.to_requester(1, notify_by_email=True),
        stream.to_requester(2, notify_by_email=True),
        stream.to_attendant(3),
    )

    mails = await idle.mails(3, "suppressed", "accepted")
    assert [mail["recipient"] for mail in mails if mail["state"] == "accepted"] == [CARLOS]
    reasons = [mail["reason"] or "" for mail in mails if mail["state"] == "suppressed"]
    assert len(reasons) == 2
    assert all(each.startswith("template-error: ") and reason in each for each in reasons)


@pytest.mark.parametrize(
    ("taken_back", "reason"), [(stream.retracted(), "retracted"), (stream.visibility(1, False), "hidden")]
)
async def test_what_is_taken_back_before_its_mail_went_out_is_not_mailed(
    notifier: Notifier, taken_back: object, reason: str
) -> None:
    await notifier.mailbox.close()
    await notifier.note(stream.recorded(visible_to_requester=True, notify_by_email=True))
    await notifier.tried()

    await notifier.note(taken_back)  # type: ignore[arg-type]  # both are facts
    await notifier.taken_in()
    [mail] = await notifier.mails(1, "suppressed")
    await notifier.mailbox.open()

    assert mail["reason"] == reason
    assert notifier.mailbox.seen == []


async def test_what_is_taken_back_while_it_is_refused_for_now_is_not_tried_again(notifier: Notifier) -> None:
    notifier.mailbox.answers[ANA] = ["slow 451 later"]
    await notifier.note(stream.recorded(visible_to_requester=True, notify_by_email=True))

    async def handed_over() -> bool:
        return bool(notifier.mailbox.seen)

    await until(handed_over)
    await notifier.note(stream.retracted())
    await notifier.taken_in()
    notifier.mailbox.patience.set()

    [mail] = await notifier.mails(1, "suppressed")
    assert mail["reason"] == "retracted"
    assert notifier.mailbox.seen == [ANA]


async def test_an_event_without_a_version_goes_to_the_dead_letters_and_the_next_is_mailed(
    notifier: Notifier,
) -> None:
    await notifier.note(stream.to_requester(1, notify_by_email=True), stream_version=None)
    await notifier.note(stream.to_requester(2, notify_by_email=True))

    await notifier.mails(1, "accepted")

    assert await notifier.database.fetchval("SELECT reason FROM dead_letters") == "missing-attribute"
