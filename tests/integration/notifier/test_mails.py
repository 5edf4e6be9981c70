"""Who gets which mail, from record to mailbox, ledger and outcome."""

from relato_contracts import itsm
from relato_contracts.notifications import EmailAccepted, EmailSuppressed
from relato_contracts.topics import PARAMETERS, PEOPLE
from relato_runtime import kafka

from tests.integration.notifier.conftest import ANA, CARLOS, Notifier
from tests.support import stream, world
from tests.support.waiting import until


async def remove(notifier: Notifier, topic: str, key: str) -> None:
    async with kafka.producing(notifier.settings) as producer:
        name = notifier.settings.topic_prefix + topic
        await kafka.send(producer, [kafka.OutgoingRecord(name, key.encode(), None, [])])
    await notifier.taken_in()


async def test_a_visible_occurrence_sent_by_email_reaches_the_requester_with_its_text(
    notifier: Notifier,
) -> None:
    [event] = await notifier.note(stream.recorded(visible_to_requester=True, notify_by_email=True))

    [mail] = await notifier.mails(1, "accepted")

    assert mail["recipient"] == ANA
    assert (mail["event_id"], mail["template_id"], mail["attempts"]) == (event.id, "t-251", 1)
    [message] = notifier.mailbox.to(ANA)
    assert message["Subject"] == "Chamado 1001"
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None and "Carlos escreveu: Texto 1" in text.get_content()
    assert html is not None and "<p>Texto 1</p>" in html.get_content()
    [(envelope, outcome)] = await notifier.outcomes(1)
    assert isinstance(outcome, EmailAccepted)
    assert (str(outcome.event_id), outcome.recipient, outcome.recipient_role) == (event.id, ANA, "requester")
    assert (envelope.causation_id, envelope.source) == (event.id, "/relato/notifier")


async def test_what_the_requester_writes_reaches_the_responsible(notifier: Notifier) -> None:
    by_ana = stream.recorded(
        2, author_id="ana", author_name="Ana", channel="portal", visible_to_requester=True
    )

    await notifier.note(stream.to_attendant(1), by_ana)

    mails = await notifier.mails(2, "accepted")
    assert {(mail["recipient"], mail["template_id"]) for mail in mails} == {(CARLOS, "t-253")}


async def test_while_nobody_is_responsible_every_address_of_the_group_is_told(notifier: Notifier) -> None:
    await notifier.publish(
        world.ticket(responsible_id=None),
        world.group(emails=("a@empresa.example", "b@empresa.example", "A@empresa.example")),
    )
    await notifier.taken_in()

    await notifier.note(stream.to_attendant())

    mails = await notifier.mails(2, "accepted")
    assert sorted(mail["recipient"].lower() for mail in mails) == ["a@empresa.example", "b@empresa.example"]
    assert {outcome.recipient_role for _, outcome in await notifier.outcomes(2)} == {"group"}


async def test_what_is_internal_or_not_to_be_mailed_makes_no_mail(notifier: Notifier) -> None:
    await notifier.note(
        stream.recorded(1),
        stream.recorded(2, visible_to_requester=True),
        stream.to_requester(3),
        stream.chatted(4, by_requester=False),
        stream.viewed(2),
        stream.to_requester(5, notify_by_email=True),
    )

    [mail] = await notifier.mails(1, "accepted")

    assert mail["recipient"] == ANA
    [message] = notifier.mailbox.to(ANA)
    assert "Mensagem 5" in message.as_string()


async def test_what_was_held_back_is_mailed_when_it_is_shown_as_if_it_had_been_so_at_once(
    notifier: Notifier,
) -> None:
    held = {"release": {"at": stream.BEGINNING, "notify_by_email": True}}
    await notifier.note(stream.recorded(1, **held), stream.recorded(2, **held))
    await notifier.note(
        stream.retracted(2, reason="undone", release_outcome="undone"),
        stream.visibility(1, True, notify_by_email=True, reason="shown", release_outcome="shown"),
        stream.recorded(1, occurrence_id=stream.uuid(3), visible_to_requester=True, notify_by_email=True),
    )

    await notifier.mails(2, "accepted")

    released, at_once = [message.get_body(("plain",)) for message in notifier.mailbox.to(ANA)]
    assert released is not None and at_once is not None
    assert released.get_content() == at_once.get_content()
    assert released.get_content().strip() == "Carlos escreveu: Texto 1"


async def test_an_occurrence_shown_later_is_mailed_as_it_then_reads(notifier: Notifier) -> None:
    await notifier.note(
        stream.recorded(),
        stream.corrected(description_html="<p>Texto certo</p>", description_text="Texto certo"),
    )
    await notifier.note(stream.visibility(1, True, notify_by_email=True))

    await notifier.mails(1, "accepted")

    [message] = notifier.mailbox.to(ANA)
    text = message.get_body(("plain",))
    assert text is not None and "Carlos escreveu: Texto certo" in text.get_content()
    assert "Motivo interno" not in message.as_string()
    assert "Combinado por telefone" not in message.as_string()


async def test_chat_is_mailed_to_someone_away_once_in_the_quiet_period(notifier: Notifier) -> None:
    away = {"by_requester": False, "recipient_online": False}
    await notifier.note(*(stream.chatted(number, **away) for number in (1, 2)))
    await notifier.note(stream.chatted(3, **away), stream.chatted(4, recipient_online=False))
    await notifier.taken_in()

    mails = await notifier.mails(2, "accepted")

    assert [(mail["recipient"], mail["template_id"]) for mail in mails] == [(ANA, "t-447"), (CARLOS, "t-447")]
    assert "Linha 1" in notifier.mailbox.to(ANA)[0].as_string()


async def test_later_mails_of_a_ticket_follow_the_first_in_the_readers_thread(notifier: Notifier) -> None:
    for number in (1, 2, 3):
        await notifier.note(stream.to_requester(number, notify_by_email=True))
    await notifier.mails(3, "accepted")

    by_text = {text: next(m for m in notifier.mailbox.to(ANA) if text in m.as_string()) for text in
               ("Mensagem 1", "Mensagem 2", "Mensagem 3")}  # fmt: skip
    first, second, third = by_text.values()

    assert first["In-Reply-To"] is None
    assert second["In-Reply-To"] == second["References"] == first["Message-ID"]
    assert third["In-Reply-To"] == second["Message-ID"]
    assert third["References"] == f"{first['Message-ID']} {second['Message-ID']}"


async def test_a_mail_says_that_a_machine_sent_it(notifier: Notifier) -> None:
    await notifier.note(stream.to_requester(notify_by_email=True))
    await notifier.mails(1, "accepted")

    [message] = notifier.mailbox.to(ANA)

    assert message["From"] == "suporte@relato.example"
    assert message["To"] == f"Ana <{ANA}>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["List-Id"] == "<ticket-1001.relato.relato.example>"
    assert message["Message-ID"].endswith("@relato.example>")
    assert message["Date"] is not None


async def test_without_parameter_10_mails_come_from_the_installations_own_address(notifier: Notifier) -> None:
    await remove(notifier, PARAMETERS.name, "10")

    async def gone() -> bool:
        return not await notifier.database.fetchval(
            "SELECT EXISTS (SELECT FROM parameters WHERE number = 10)"
        )

    await until(gone, what="the parameter's removal")
    await notifier.note(stream.to_requester(notify_by_email=True))

    await notifier.mails(1, "accepted")
    assert notifier.mailbox.to(ANA)[0]["From"] == notifier.settings.sender


async def test_mails_switched_off_are_suppressed_and_told(notifier: Notifier) -> None:
    await notifier.publish(world.parameter(297, "S"))
    await notifier.taken_in()

    await notifier.note(stream.to_requester(notify_by_email=True))

    [mail] = await notifier.mails(1, "suppressed")
    assert (mail["recipient"], mail["reason"]) == (ANA, "disabled")
    [(_, outcome)] = await notifier.outcomes(1)
    assert isinstance(outcome, EmailSuppressed)
    assert outcome.reason == "disabled"
    assert notifier.mailbox.seen == []


async def test_without_a_template_nothing_is_sent_and_the_history_hears_why(notifier: Notifier) -> None:
    await remove(notifier, PARAMETERS.name, "251")
    await notifier.note(stream.to_requester(1, notify_by_email=True))
    await notifier.mails(1, "suppressed")
    await notifier.publish(world.parameter(251, "nenhum"))
    await notifier.taken_in()
    await notifier.note(stream.to_requester(2, notify_by_email=True))

    mails = await notifier.mails(2, "suppressed")

    assert [(mail["template_id"], mail["reason"]) for mail in mails] == [
        ("", "not-configured"),
        ("nenhum", "not-configured"),
    ]
    assert len(await notifier.outcomes(2)) == 2


async def test_people_without_an_address_or_inactive_get_no_mail(notifier: Notifier) -> None:
    await notifier.publish(world.person("ana", email=None), world.person("carlos", active=False))
    await notifier.taken_in()

    await notifier.note(stream.to_requester(1, notify_by_email=True), stream.to_attendant(2))

    mails = await notifier.mails(2, "suppressed")
    assert {(mail["recipient"], mail["reason"]) for mail in mails} == {("", "no-address")}


async def test_a_record_that_comes_again_makes_no_second_mail(notifier: Notifier) -> None:
    fact = stream.to_requester(notify_by_email=True)
    [envelope] = await notifier.note(fact)
    await notifier.mails(1, "accepted")

    await notifier.publish(world.ticket(responsible_id="edu"))
    await notifier.send((envelope, fact), (envelope, fact))
    await notifier.taken_in()
    await notifier.note(stream.to_requester(2, notify_by_email=True))

    assert len(await notifier.mails(2, "accepted")) == 2
    assert notifier.mailbox.seen == [ANA, ANA]


async def test_replayed_records_tell_nobody(notifier: Notifier) -> None:
    await notifier.note(stream.to_requester(1, notify_by_email=True), replay_id="r-1")
    await notifier.note(stream.to_requester(2, notify_by_email=True))

    [mail] = await notifier.mails(1, "accepted")

    assert "Mensagem 2" in notifier.mailbox.to(ANA)[0].as_string()
    assert mail["state"] == "accepted"


async def test_what_was_only_replayed_is_known_when_it_is_shown_later(notifier: Notifier) -> None:
    await notifier.note(stream.recorded(7, description_text="Troquei o cabo."), replay_id="r-1")
    await notifier.note(stream.visibility(7, True, notify_by_email=True))

    [mail] = await notifier.mails(1, "accepted")

    assert mail["state"] == "accepted"
    assert "Troquei o cabo." in notifier.mailbox.to(ANA)[0].as_string()


async def test_the_solution_is_mailed_only_while_the_portal_shows_it(notifier: Notifier) -> None:
    template = itsm.EmailVariant(
        language="pt-BR", subject="x", text="[{{ solution }}]", html="{{ solution_html }}"
    )
    await notifier.publish(itsm.EmailTemplateSaved(template_id="t-251", name="t", variants=(template,)))
    await notifier.taken_in()
    solved = {"solution_html": "<p>Cabo</p><p>trocado</p>", "visible_to_requester": True}
    await notifier.note(stream.recorded(1, notify_by_email=True, **solved))
    await notifier.mails(1, "accepted")
    await notifier.publish(world.parameter(371, "N"))
    await notifier.taken_in()
    await notifier.note(stream.recorded(2, notify_by_email=True, **solved))
    await notifier.mails(2, "accepted")

    texts = [message.get_body(("plain",)) for message in notifier.mailbox.to(ANA)]

    assert [text.get_content().split() for text in texts if text is not None] == [
        ["[Cabo", "trocado]"],
        ["[]"],
    ]


async def test_readers_get_their_language_and_their_time(notifier: Notifier) -> None:
    def variant(language: itsm.Language) -> itsm.EmailVariant:
        return itsm.EmailVariant(language=language, subject=language, text="{{ happened_at }}", html="x")

    variants = (variant("es"), variant("pt-BR"), variant("en"))
    await notifier.publish(
        itsm.EmailTemplateSaved(template_id="t-251", name="t", variants=variants),
        world.person("ana", language="en", time_zone="Asia/Tokyo"),
    )
    await notifier.taken_in()

    await notifier.note(
        stream.recorded(visible_to_requester=True, notify_by_email=True, occurred_at=stream.BEGINNING)
    )

    await notifier.mails(1, "accepted")
    [message] = notifier.mailbox.to(ANA)
    assert message["Subject"] == "en"
    text = message.get_body(("plain",))
    assert text is not None and text.get_content().startswith("November 3, 2026, 9:00:00")


async def test_a_removed_person_gets_no_mail_and_the_reason_is_told(notifier: Notifier) -> None:
    await notifier.stop()
    notifier.settings = notifier.settings.model_copy(update={"reference_patience_seconds": 0.3})
    await notifier.start()
    await remove(notifier, PEOPLE.name, "ana")

    await notifier.note(stream.to_requester(notify_by_email=True))

    [mail] = await notifier.mails(1, "suppressed")
    assert mail["reason"] == "unknown-person"


async def test_an_event_older_than_the_limit_is_not_mailed(notifier: Notifier) -> None:
    await notifier.note(stream.to_requester(notify_by_email=True), time=stream.BEGINNING.replace(year=2025))

    [mail] = await notifier.mails(1, "suppressed")
    assert mail["reason"] == "too-old"
