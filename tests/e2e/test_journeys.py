"""What people do with Relato, from one end to the other: HTTP, Kafka, mail, and both histories."""

import asyncio
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import Any

import pytest

from tests.support.journey import Ticket, parameter, switched
from tests.support.waiting import until

ANA = "ana"
CARLOS = "carlos"


async def test_an_internal_note_from_the_execution_area_is_for_executors_only(ticket: Ticket) -> None:
    note = await ticket.record(
        description_html="<p>Senha do switch trocada.</p>", time_spent_minutes=90, channel="execution"
    )
    assert note["notification"] == "none"
    (entry,) = [each for each in await ticket.history(note["version"]) if each["kind"] == "occurrence"]
    assert entry["occurrence_id"] == note["occurrence_id"]
    assert entry["description_html"] == "<p>Senha do switch trocada.</p>"
    assert entry["time_spent_minutes"] == 90
    assert entry["channel"] == "execution"
    assert entry["author"]["id"] == CARLOS
    assert entry["visible_to_requester"] is False
    assert await ticket.mine(note["version"]) == []


async def test_a_visible_note_with_mail_and_solution_from_the_icon_reaches_the_requester(
    ticket: Ticket, ana_address: str
) -> None:
    note = await ticket.record(
        description_html="<p>Troquei a <strong>fonte</strong>.</p>",
        solution_html="<p>Fonte nova instalada.</p>",
        time_spent_minutes=30,
        channel="toolbar",
        visible_to_requester=True,
        notify_by_email=True,
    )
    assert note["notification"] == "planned"
    (entry,) = await ticket.mine(note["version"])
    assert entry["description_html"] == "<p>Troquei a <strong>fonte</strong>.</p>"
    assert entry["solution_html"] == "<p>Fonte nova instalada.</p>"
    mail = await ticket.mail(ana_address)
    text = mail.get_body(("plain",))
    assert text is not None
    assert "Troquei a fonte" in text.get_content()
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Id"].strip().endswith(">")
    (outcome,) = await ticket.outcomes(note["version"])
    assert (outcome["recipient"], outcome["state"]) == (ana_address, "accepted")


async def test_a_visible_note_without_mail_is_seen_in_the_portal_alone(
    ticket: Ticket, ana_address: str
) -> None:
    quiet = await ticket.record(visible_to_requester=True)
    assert quiet["notification"] == "none"
    told = await ticket.record(visible_to_requester=True, notify_by_email=True)
    assert len(await ticket.mine(told["version"])) == 2
    await ticket.mail(ana_address)
    history = await ticket.history(told["version"])
    assert [each.get("emails", []) for each in history if each["version"] == quiet["version"]] == [[]]
    assert len([each for each in ticket.mailbox.to(ana_address) if ticket.id in each["List-Id"]]) == 1


async def test_mails_of_a_ticket_form_a_thread(ticket: Ticket, ana_address: str) -> None:
    for _ in range(2):
        await ticket.record(visible_to_requester=True, notify_by_email=True)
    first, second = await ticket.mail(ana_address, 1), await ticket.mail(ana_address, 2)
    assert first["In-Reply-To"] is None
    assert first["Message-ID"] in second["In-Reply-To"] + second["References"]
    assert first["Message-ID"] != second["Message-ID"]


async def test_time_spent_adds_up_and_follows_corrections(ticket: Ticket) -> None:
    one = await ticket.record(time_spent_minutes=60)
    two = await ticket.record(time_spent_minutes=20)
    await ticket.done(CARLOS, f"/occurrences/{two['occurrence_id']}/solution",
                      {"solution_html": "<p>Pronto</p>", "time_spent_minutes": 10})  # fmt: skip
    last = await ticket.done(CARLOS, f"/occurrences/{one['occurrence_id']}/corrections",
                             {"time_spent_minutes": 45, "reason": "Digitei errado"})  # fmt: skip
    await ticket.history(last["version"])
    shown = (await ticket.stack.get(CARLOS, f"/tickets/{ticket.id}")).json()
    assert shown["time_spent_minutes"] == 45 + 30


async def test_a_correction_keeps_the_earlier_text_for_executors_and_hides_it_from_the_requester(
    ticket: Ticket,
) -> None:
    note = await ticket.record(description_html="<p>Texto errado</p>", visible_to_requester=True)
    path = f"/occurrences/{note['occurrence_id']}/corrections"
    fixed = await ticket.done(CARLOS, path, {"description_html": "<p>Certo</p>", "reason": "Engano meu"})
    (entry,) = await ticket.history(fixed["version"], kind="occurrence")
    assert entry["description_html"] == "<p>Certo</p>"
    assert entry["corrected"] is True
    (earlier,) = entry["earlier"]
    assert (earlier["description_html"], earlier["reason"]) == ("<p>Texto errado</p>", "Engano meu")
    mine = await ticket.mine(fixed["version"])
    assert [each["description_html"] for each in mine] == ["<p>Certo</p>"]
    assert "Texto errado" not in str(mine)
    assert "Engano meu" not in str(mine)


async def test_what_is_hidden_or_retracted_leaves_the_portal_and_stays_in_the_history(ticket: Ticket) -> None:
    note = await ticket.record(visible_to_requester=True)
    other = await ticket.record(visible_to_requester=True)
    assert len(await ticket.mine(other["version"])) == 2
    await ticket.done(CARLOS, f"/occurrences/{note['occurrence_id']}/visibility",
                      {"visible_to_requester": False, "reason": "Interno"})  # fmt: skip
    last = await ticket.done(
        CARLOS, f"/occurrences/{other['occurrence_id']}/retraction", {"reason": "Outro chamado"}
    )
    assert await ticket.mine(last["version"]) == []
    entries = {
        each["occurrence_id"]: each for each in await ticket.history(last["version"], kind="occurrence")
    }
    assert entries[note["occurrence_id"]]["visible_to_requester"] is False
    assert entries[other["occurrence_id"]]["retracted"] is True


async def test_what_is_shown_later_is_mailed_then(ticket: Ticket, ana_address: str) -> None:
    note = await ticket.record(description_html="<p>Agora pode ver</p>")
    change = {"visible_to_requester": True, "notify_by_email": True, "reason": "Pediu"}
    shown = await ticket.done(CARLOS, f"/occurrences/{note['occurrence_id']}/visibility", change)
    assert shown["notification"] == "planned"
    assert len(await ticket.mine(shown["version"])) == 1
    body = (await ticket.mail(ana_address)).get_body(("plain",))
    assert body is not None
    assert "Agora pode ver" in body.get_content()
    assert "Pediu" not in body.get_content()


async def test_what_is_held_back_can_be_undone_and_else_arrives_in_its_time(
    ticket: Ticket, ana_address: str
) -> None:
    async def send(text: str, hold_seconds: int) -> dict[str, Any]:
        return await ticket.record(
            description_html=text,
            visible_to_requester=True,
            notify_by_email=True,
            hold_seconds=hold_seconds,
        )

    wrong = await send("<p>Senha: 1234</p>", 60)
    assert wrong["notification"] == "planned"
    (entry,) = await ticket.history(wrong["version"], kind="occurrence")
    assert entry["release_at"] == wrong["release_at"]
    undone = await ticket.done(CARLOS, f"/occurrences/{wrong['occurrence_id']}/undo", {})
    assert await ticket.mine(undone["version"]) == []

    note = await send("<p>Troquei a fonte</p>", 1)
    released = note["version"] + 1
    (mine,) = await ticket.mine(released)
    assert mine["description_html"] == "<p>Troquei a fonte</p>"
    (outcome,) = await ticket.outcomes(released)
    assert (outcome["recipient"], outcome["state"]) == (ana_address, "accepted")
    assert len([each for each in ticket.mailbox.to(ana_address) if ticket.id in each["List-Id"]]) == 1
    body = (await ticket.mail(ana_address)).get_body(("plain",))
    assert body is not None
    assert "Troquei a fonte" in body.get_content()
    ends = [each["release_outcome"] for each in await ticket.history(released, kind="action")
            if "release_outcome" in each]  # fmt: skip
    assert ends == ["shown", "undone"]
    assert await ticket.refused(CARLOS, f"/occurrences/{note['occurrence_id']}/undo", {}) == (
        409, "already-released",
    )  # fmt: skip


async def test_the_requester_records_a_note_in_the_portal_and_the_responsible_gets_a_mail(
    ticket: Ticket, carlos_address: str
) -> None:
    note = await ticket.record(ANA, channel="portal", description_html="<p>Continua lento</p>")
    assert note["notification"] == "planned"
    (mine,) = await ticket.mine(note["version"])
    assert mine["author"]["id"] == ANA
    (entry,) = await ticket.history(note["version"], kind="occurrence")
    assert entry["channel"] == "portal"
    body = (await ticket.mail(carlos_address)).get_body(("plain",))
    assert body is not None
    assert "Continua lento" in body.get_content()


async def test_without_a_responsible_the_groups_addresses_are_told(ticket: Ticket) -> None:
    await ticket.save(responsible_id=None)
    await ticket.stack.level()
    note = await ticket.record(ANA, channel="portal")
    outcomes = await ticket.outcomes(note["version"])
    assert {each["state"] for each in outcomes} == {"accepted"}
    assert all("carlos" not in each["recipient"] for each in outcomes)


async def test_an_executor_writes_to_the_requester_with_and_without_mail(
    ticket: Ticket, ana_address: str
) -> None:
    silent = await ticket.done(CARLOS, "/messages", {"text_html": "<p>Pode reiniciar?</p>"})
    assert silent["notification"] == "none"
    mailed = await ticket.done(
        CARLOS, "/messages", {"text_html": "<p>Vou aí amanhã</p>", "notify_by_email": True}
    )
    mine = await ticket.mine(mailed["version"])
    assert {each["kind"] for each in mine} == {"message"}
    assert len(mine) == 2
    body = (await ticket.mail(ana_address)).get_body(("plain",))
    assert body is not None
    assert "Vou aí amanhã" in body.get_content()


async def test_the_requester_answers_and_the_executor_sees_it(ticket: Ticket, carlos_address: str) -> None:
    answer = await ticket.done(ANA, "/messages", {"text_html": "<p>Reiniciei, obrigada</p>"})
    assert answer["notification"] == "planned"
    (entry,) = [each for each in await ticket.history(answer["version"]) if each["kind"] == "message"]
    assert entry["message_id"] == answer["message_id"]
    assert entry["author"]["id"] == ANA
    await ticket.mail(carlos_address)


async def test_chat_has_a_tab_of_its_own(ticket: Ticket) -> None:
    await ticket.done(ANA, "/chat", {"text": "Bom dia"})
    last = await ticket.done(CARLOS, "/chat", {"text": "Bom dia, Ana"})
    texts = [each["text"] for each in await ticket.chat(last["version"])]
    assert sorted(texts) == ["Bom dia", "Bom dia, Ana"]
    assert [each["text"] for each in await ticket.my_chat(last["version"])] == texts
    assert all(each["kind"] != "chat" for each in await ticket.history(last["version"]))


async def test_chat_switched_off_takes_the_tab_away(ticket: Ticket) -> None:
    said = await ticket.done(ANA, "/chat", {"text": "Oi"})
    await ticket.chat(said["version"])
    async with switched(ticket.stack, 316, "N", back_to="S"):
        assert await ticket.refused(ANA, "/chat", {"text": "Oi"}) == (409, "chat-disabled")
        tab = await ticket.stack.get(CARLOS, f"/tickets/{ticket.id}/chat")
        assert (tab.status_code, tab.json()["type"].rpartition("/")[2]) == (409, "chat-disabled")
    assert len(await ticket.chat(said["version"])) == 1


async def test_a_chat_message_to_someone_away_is_mailed_once(ticket: Ticket, ana_address: str) -> None:
    first = await ticket.done(CARLOS, "/chat", {"text": "Está aí?"})
    await ticket.done(CARLOS, "/chat", {"text": "Passo depois"})
    await ticket.mail(ana_address)
    last = await ticket.record(visible_to_requester=True, notify_by_email=True)
    await ticket.mail(ana_address, 2)
    sent = [each for each in ticket.mailbox.to(ana_address) if ticket.id in each["List-Id"]]
    assert len(sent) == 2, "one for the chat, one for the note"
    assert first["version"] < last["version"]


async def test_a_chat_message_to_someone_who_is_there_is_not_mailed(ticket: Ticket, ana_address: str) -> None:
    present = await ticket.stack.http.post(
        f"/api/portal/my/requests/{ticket.id}/presence",
        json={"state": "viewing"},
        headers=await ticket.stack.bearer(ANA),
    )
    assert present.is_success, present.text
    await ticket.stack.level()
    await ticket.done(CARLOS, "/chat", {"text": "Oi, Ana"})
    await ticket.record(visible_to_requester=True, notify_by_email=True)
    await ticket.mail(ana_address)
    assert len([each for each in ticket.mailbox.to(ana_address) if ticket.id in each["List-Id"]]) == 1


async def test_the_history_shows_every_action_from_creation_to_closing(ticket: Ticket) -> None:
    await ticket.record()
    await ticket.save(status="resolved")
    await ticket.save(status="closed")
    await ticket.stack.level()
    actions = [each["action"] for each in await ticket.history(1) if each["kind"] == "action"]
    assert actions[-1] == "ticket-opened"
    assert actions.count("status-changed") == 2
    assert await ticket.refused(CARLOS, "/messages", {"text_html": "Oi"}) == (409, "ticket-closed")


async def test_what_the_requester_has_seen_is_seen_by_the_executor(ticket: Ticket) -> None:
    note = await ticket.record(visible_to_requester=True)
    seen = await ticket.done(ANA, "/views", {"up_to_version": note["version"]})
    (entry,) = await ticket.history(seen["version"], kind="occurrence")
    assert entry["seen_at"]


async def test_all_of_a_tickets_requests_are_found_in_my_requests(ticket: Ticket) -> None:
    note = await ticket.record(visible_to_requester=True)
    await ticket.mine(note["version"])
    mine = (await ticket.stack.get(ANA, "/my/requests")).json()["items"]
    found = next(each for each in mine if each["ticket_id"] == ticket.id)
    assert (found["title"], found["status"], found["unread"]) == (
        "Notebook não acessa a rede",
        "in-progress",
        1,
    )


async def test_nobody_sees_the_requests_of_others(ticket: Ticket) -> None:
    note = await ticket.record(visible_to_requester=True)
    await ticket.mine(note["version"])
    for person, path in (
        ("bia", f"/my/requests/{ticket.id}"),
        ("bia", f"/my/requests/{ticket.id}/history"),
        ("bia", f"/my/requests/{ticket.id}/chat"),
        ("bia", f"/tickets/{ticket.id}/history"),
        (ANA, f"/tickets/{ticket.id}/history"),
        (ANA, f"/tickets/{ticket.id}"),
        ("davi", f"/tickets/{ticket.id}/history"),
    ):
        answer = await ticket.stack.get(person, path)
        assert answer.status_code in {403, 404}, (person, path, answer.text)


PARAMETERS_OFF = [
    (298, "N", "S", CARLOS, "/occurrences", (409, "occurrences-disabled")),
    (299, "N", "S", CARLOS, "/messages", (409, "messages-disabled")),
    (299, "N", "S", ANA, "/messages", (409, "messages-disabled")),
    (252, "N", "S", ANA, "/occurrences", (403, "not-permitted")),
]


@pytest.mark.parametrize(("number", "off", "on", "person", "ending", "refusal"), PARAMETERS_OFF)
async def test_a_parameter_switched_off_stops_what_it_allows(
    ticket: Ticket, number: int, off: str, on: str, person: str, ending: str, refusal: tuple[int, str]
) -> None:
    body: dict[str, object] = {"text_html": "<p>Oi</p>"}
    if ending == "/occurrences":
        body = {"description_html": "<p>Oi</p>", "occurred_at": datetime.now(UTC).isoformat()}
    await ticket.done(person, ending, body)
    async with switched(ticket.stack, number, off, back_to=on):
        assert await ticket.refused(person, ending, body) == refusal
    await ticket.done(person, ending, body)


async def test_occurrences_switched_off_are_not_displayed_either(ticket: Ticket) -> None:
    note = await ticket.record(visible_to_requester=True)
    assert len(await ticket.mine(note["version"])) == 1
    async with switched(ticket.stack, 298, "N", back_to="S"):
        assert await ticket.mine(note["version"]) == []
        assert await ticket.history(note["version"], kind="occurrence") == []
    assert len(await ticket.mine(note["version"])) == 1


async def test_the_solution_is_shown_in_the_portal_only_while_371_is_on(ticket: Ticket) -> None:
    note = await ticket.record(solution_html="<p>Fonte nova</p>", visible_to_requester=True)
    assert (await ticket.mine(note["version"]))[0]["solution_html"] == "<p>Fonte nova</p>"
    async with switched(ticket.stack, 371, "N", back_to="S"):
        (entry,) = await ticket.mine(note["version"])
        assert "solution_html" not in entry


@pytest.mark.parametrize(
    ("number", "value", "back_to", "notification"),
    [(297, "S", "N", "disabled"), (251, "nenhum", "nota-ao-solicitante", "not-configured")],
)
async def test_a_mail_that_cannot_go_out_is_said_before_and_after(
    ticket: Ticket, number: int, value: str, back_to: str, notification: str
) -> None:
    async with switched(ticket.stack, number, value, back_to):
        note = await ticket.record(visible_to_requester=True, notify_by_email=True)
        assert note["notification"] == notification
        (outcome,) = await ticket.outcomes(note["version"])
        assert (outcome["state"], outcome["reason"]) == ("suppressed", notification)


async def test_without_a_template_the_responsible_gets_no_mail_and_the_history_says_so(
    ticket: Ticket,
) -> None:
    async with switched(ticket.stack, 253, "nenhum", "nota-ao-responsavel"):
        note = await ticket.record(ANA, channel="portal")
        assert note["notification"] == "not-configured"
        (outcome,) = await ticket.outcomes(note["version"])
        assert (outcome["state"], outcome["reason"]) == ("suppressed", "not-configured")


async def test_without_a_template_nobody_away_gets_a_mail_about_chat(ticket: Ticket) -> None:
    async with switched(ticket.stack, 447, "nenhum", "chat-na-ausencia"):
        said = await ticket.done(CARLOS, "/chat", {"text": "Está aí?"})

        async def decided() -> list[dict[str, object]]:
            mails = (await ticket.stack.get(CARLOS, f"/tickets/{ticket.id}/notifications")).json()["items"]
            return [each for each in mails if each["event_version"] == said["version"]]

        (outcome,) = await until(decided, what="the mail's outcome")
        assert (outcome["state"], outcome["reason"]) == ("suppressed", "not-configured")


async def test_category_and_origin_of_the_portal_are_fixed_by_parameters(ticket: Ticket) -> None:
    note = await ticket.record(ANA, channel="portal", category_id="cat-visita", origin_id="ori-telefone")
    (fixed,) = await ticket.history(note["version"], kind="occurrence")
    assert (fixed["category_id"], fixed["origin_id"]) == (parameter(262), parameter(263))
    async with switched(ticket.stack, 262, "nenhuma", parameter(262)):
        free = await ticket.record(ANA, channel="portal", category_id="cat-visita")
        entry = (await ticket.history(free["version"], kind="occurrence"))[0]
        assert (entry["category_id"], entry["origin_id"]) == ("cat-visita", parameter(263))
    async with switched(ticket.stack, 263, "nenhuma", parameter(263)):
        free = await ticket.record(ANA, channel="portal", origin_id="ori-telefone")
        entry = (await ticket.history(free["version"], kind="occurrence"))[0]
        assert (entry["category_id"], entry["origin_id"]) == (parameter(262), "ori-telefone")


async def test_mails_come_from_parameter_10_and_without_an_address_there_from_the_installations_own(
    ticket: Ticket, ana_address: str
) -> None:
    await ticket.record(visible_to_requester=True, notify_by_email=True)
    assert parseaddr(parameter(10))[1] in (await ticket.mail(ana_address))["From"]
    async with switched(ticket.stack, 10, "suporte", parameter(10)):
        await ticket.record(visible_to_requester=True, notify_by_email=True)
        assert (await ticket.mail(ana_address, 2))["From"] == "Relato <relato@localhost>"


async def test_forty_notes_at_once_are_all_there_once(ticket: Ticket) -> None:
    answers = await asyncio.gather(*(ticket.record(time_spent_minutes=1) for _ in range(40)))
    entries = await ticket.history(40, kind="occurrence")
    assert {each["occurrence_id"] for each in entries} == {each["occurrence_id"] for each in answers}
    shown = (await ticket.stack.get(CARLOS, f"/tickets/{ticket.id}")).json()
    assert (shown["last_version"], shown["time_spent_minutes"]) == (40, 40)
